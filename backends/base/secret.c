/*
 * Pages for key values. An arena is 16 pages in one locked mapping; a page is cut into blocks of one size,
 * and what is known of it (which blocks are used) stands outside, so that an overrun of a value cannot change
 * it. A value larger than a page has a mapping of its own, which goes when it is freed.
 */
#include "backends/base/secret.h"
#include "backends/base/log.h"
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    PAGE_SIZE = 4096,
    ARENA_PAGES = 16,
    SMALLEST_BLOCK = 64, /* 64 of them fill a page: one bit each */
    BLOCK_SIZES = 7,     /* 64, 128, ... 4096 */
    LARGEST_SECRET = 1024 * 1024
};

struct page {
    uint64_t used; /* a bit for each block */
    size_t block;  /* bytes; 0: not cut yet */
    struct page *next, *previous;
    unsigned char *start;
};

struct arena {
    unsigned char *start;
    size_t size;
    bool large;         /* one value; no page below is in use */
    struct page page[]; /* ARENA_PAGES, or none */
};

/* Ordered by address, so that a value leads to its arena. */
struct arena_list {
    struct arena_list *parents; /* a parent's, in a forked child; never touched, only kept reachable */
    size_t count, room;
    struct arena *arena[];
};

static struct {
    pthread_mutex_t lock;
    struct arena_list *arenas;
    struct page *roomy[BLOCK_SIZES]; /* pages of this block size with a free block */
    struct page *uncut;
    bool warned;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void unlink_page(struct page **head, struct page *page)
{
    if (page->next != NULL) {
        page->next->previous = page->previous;
    }
    if (page->previous != NULL) {
        page->previous->next = page->next;
    } else {
        *head = page->next;
    }
    page->next = page->previous = NULL;
}

static void link_page(struct page **head, struct page *page)
{
    page->previous = NULL;
    page->next = *head;
    if (*head != NULL) {
        (*head)->previous = page;
    }
    *head = page;
}

static unsigned char *map(size_t size, bool *ret_locked)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED) {
        return NULL;
    }
    *ret_locked = mlock(pages, size) == 0;
    madvise(pages, size, MADV_DONTDUMP);
    madvise(pages, size, MADV_WIPEONFORK);
    return pages;
}

/* The place of the first arena that ends behind `data`. */
static size_t place_of(const unsigned char *data)
{
    size_t low = 0, high = all.arenas == NULL ? 0 : all.arenas->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct arena *arena = all.arenas->arena[middle];

        if (data < arena->start + arena->size) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static bool make_place(void)
{
    size_t room = all.arenas == NULL ? 0 : all.arenas->room;
    struct arena_list *grown;

    if (all.arenas != NULL && all.arenas->count < room) {
        return true;
    }
    room = room == 0 ? 8 : room * 2;
    grown = realloc(all.arenas, sizeof *grown + room * sizeof grown->arena[0]);
    if (grown == NULL) {
        return false;
    }
    if (all.arenas == NULL) {
        grown->parents = NULL;
        grown->count = 0;
    }
    grown->room = room;
    all.arenas = grown;
    return true;
}

static struct arena *arena_new(size_t size, bool large, bool *ret_locked)
{
    size_t pages = large ? 0 : ARENA_PAGES;
    struct arena *arena = calloc(1, sizeof *arena + pages * sizeof arena->page[0]);
    size_t place;

    if (arena == NULL || !make_place()) {
        free(arena);
        return NULL;
    }
    arena->start = map(size, ret_locked);
    if (arena->start == NULL) {
        free(arena);
        return NULL;
    }
    arena->size = size;
    arena->large = large;
    place = place_of(arena->start);
    memmove(&all.arenas->arena[place + 1], &all.arenas->arena[place],
            (all.arenas->count - place) * sizeof(struct arena *));
    all.arenas->arena[place] = arena;
    all.arenas->count++;
    return arena;
}

static void large_free(struct arena *arena, size_t place)
{
    wipe(arena->start, arena->size);
    munmap(arena->start, arena->size);
    all.arenas->count--;
    memmove(&all.arenas->arena[place], &all.arenas->arena[place + 1],
            (all.arenas->count - place) * sizeof(struct arena *));
    free(arena);
}

static bool more_pages(bool *ret_locked)
{
    struct arena *arena = arena_new((size_t)ARENA_PAGES * PAGE_SIZE, false, ret_locked);
    size_t at;

    if (arena == NULL) {
        return false;
    }
    for (at = 0; at < ARENA_PAGES; at++) {
        arena->page[at].start = arena->start + at * PAGE_SIZE;
        link_page(&all.uncut, &arena->page[at]);
    }
    return true;
}

static uint64_t full(const struct page *page)
{
    size_t blocks = PAGE_SIZE / page->block;

    return blocks == 64 ? UINT64_MAX : (UINT64_C(1) << blocks) - 1;
}

static unsigned size_class(size_t block)
{
    return (unsigned)__builtin_ctzl(block / SMALLEST_BLOCK);
}

static struct page *cut_page(size_t block)
{
    struct page *page = all.uncut;

    if (page != NULL) {
        unlink_page(&all.uncut, page);
        page->block = block;
        link_page(&all.roomy[size_class(block)], page);
    }
    return page;
}

static unsigned char *take_block(size_t size, bool *ret_locked)
{
    size_t block = SMALLEST_BLOCK;
    struct page *page;
    unsigned at;

    while (block < size) {
        block *= 2;
    }
    page = all.roomy[size_class(block)];
    if (page == NULL && all.uncut == NULL && !more_pages(ret_locked)) {
        return NULL;
    }
    if (page == NULL) {
        page = cut_page(block);
    }
    at = (unsigned)__builtin_ctzll(~page->used);
    page->used |= UINT64_C(1) << at;
    if (page->used == full(page)) {
        unlink_page(&all.roomy[size_class(block)], page);
    }
    return page->start + at * block;
}

static void return_block(struct page *page, unsigned char *data)
{
    unsigned char *block = data - (size_t)(data - page->start) % page->block;
    struct page **roomy = &all.roomy[size_class(page->block)];

    wipe(block, page->block);
    if (page->used == full(page)) {
        link_page(roomy, page);
    }
    page->used &= ~(UINT64_C(1) << (size_t)(block - page->start) / page->block);
    if (page->used == 0) {
        unlink_page(roomy, page);
        page->block = 0;
        link_page(&all.uncut, page);
    }
}

static unsigned char *take_locked(size_t size, bool *ret_locked)
{
    struct arena *arena;

    if (size <= PAGE_SIZE) {
        return take_block(size, ret_locked);
    }
    size = (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    arena = arena_new(size, true, ret_locked);
    return arena == NULL ? NULL : arena->start;
}

/* A value of the parent's, in a forked child, has no arena: there is nothing left to wipe. */
static void return_locked(unsigned char *data)
{
    size_t place = place_of(data);
    struct arena *arena = all.arenas == NULL || place == all.arenas->count ? NULL : all.arenas->arena[place];

    if (arena == NULL || data < arena->start) {
        return;
    }
    if (arena->large) {
        large_free(arena, place);
    } else {
        return_block(&arena->page[(size_t)(data - arena->start) / PAGE_SIZE], data);
    }
}

CK_RV secret_new(size_t size, struct secret *ret_secret)
{
    bool locked = true, warn = false;
    unsigned char *data;

    if (size > LARGEST_SECRET) {
        return CKR_HOST_MEMORY;
    }
    pthread_mutex_lock(&all.lock);
    data = take_locked(size, &locked);
    if (!locked && !all.warned) {
        all.warned = true;
        warn = true;
    }
    pthread_mutex_unlock(&all.lock);
    if (warn) {
        log_warning(NULL, "keys may be written to swap: this process may not lock more memory; raise "
                          "RLIMIT_MEMLOCK (ulimit -l, or LimitMEMLOCK= of its service)");
    }
    if (data == NULL) {
        return CKR_HOST_MEMORY;
    }
    *ret_secret = (struct secret){data, size};
    return CKR_OK;
}

CK_RV secret_copy(struct bytes from, struct secret *ret_secret)
{
    CK_RV rv = secret_new(from.size, ret_secret);

    if (rv == CKR_OK && from.size != 0) {
        memcpy(ret_secret->data, from.data, from.size);
    }
    return rv;
}

void secret_free(struct secret *secret)
{
    if (secret->data != NULL) {
        pthread_mutex_lock(&all.lock);
        return_locked(secret->data);
        pthread_mutex_unlock(&all.lock);
    }
    *secret = (struct secret)SECRET_INIT;
}

void secret_shorten(struct secret *secret, size_t size)
{
    if (size < secret->size) {
        wipe(secret->data + size, secret->size - size);
        secret->size = size;
    }
}

void secret_after_fork(void)
{
    struct arena_list *fresh = calloc(1, sizeof *fresh);

    if (fresh != NULL) {
        fresh->parents = all.arenas;
    }
    all.arenas = fresh;
    all.uncut = NULL;
    memset(all.roomy, 0, sizeof all.roomy);
    pthread_mutex_init(&all.lock, NULL);
}
