/* What a value holds of a lease. */
#include "pkcs11/soft/leasehold.h"
#include "backends/base/libcrypto.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/opener.h"
#include <string.h>

enum { BATCH = 32 };

CK_RV leasehold_new(struct lease_book *book, struct key_value *value, struct opener *opener,
                    struct key_value *parent, struct lease *lease)
{
    struct leasehold *hold = opener == NULL ? NULL : calloc(1, sizeof *hold);
    bool open;

    if (hold == NULL) {
        opener_unhold(opener);
        return CKR_HOST_MEMORY;
    }
    hold->book = book;
    hold->value = value;
    hold->opener = opener;
    hold->parent = parent == NULL ? NULL : key_value_hold(parent);
    hold->root = parent == NULL ? hold : parent->leasehold->root;
    ask_once_init(&hold->filling);
    value->size = value->secret.size;
    value->leasehold = hold;
    pthread_mutex_lock(&book->lock);
    lease = parent == NULL ? lease : atomic_load(&hold->root->lease);
    open = lease->state == LEASE_OPEN;
    atomic_init(&hold->fillings, 1);
    atomic_init(&hold->word, 1 | (open ? LEASEHOLD_OPEN : 0));
    lease_add_locked(book, lease, hold);
    if (parent == NULL) {
        lease_prove_locked(lease, opener);
    }
    pthread_mutex_unlock(&book->lock);
    return CKR_OK;
}

void leasehold_free(struct leasehold *hold)
{
    if (hold == NULL) {
        return;
    }
    pthread_mutex_lock(&hold->book->lock);
    lease_remove_locked(hold->book, atomic_load(&hold->lease), hold);
    pthread_mutex_unlock(&hold->book->lock);
    ask_once_done(&hold->filling);
    opener_unhold(hold->opener);
    opener_unhold(hold->next);
    key_value_unhold(hold->parent);
    free(hold);
}

bool leasehold_enter(struct leasehold *hold)
{
    uint32_t word = atomic_load_explicit(&hold->word, memory_order_relaxed);

    do {
        if ((word & LEASEHOLD_OPEN) == 0) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&hold->word, &word, word + 1, memory_order_acquire,
                                                    memory_order_relaxed));
    return true;
}

/* What is wiped where no lock is held. */
struct material {
    struct secret secret;
    EVP_PKEY *pkey;
    struct cipher_spares spares;
    struct hmac_spares macs;
};

static struct material material_of(struct key_value *value)
{
    struct material material = {.secret = value->secret, .pkey = value->numbers.pkey};

    value->secret = (struct secret)SECRET_INIT;
    value->numbers.pkey = NULL;
    cipher_spares_move(&value->spares, &material.spares);
    hmac_spares_move(&value->macs, &material.macs);
    return material;
}

static void material_wipe(struct material *material)
{
    secret_free(&material->secret);
    if (material->pkey != NULL && libcrypto_usable()) {
        EVP_PKEY_free(material->pkey);
    }
    cipher_spares_done(&material->spares);
    hmac_spares_done(&material->macs);
}

static bool is_left(struct leasehold *hold)
{
    return atomic_load_explicit(&hold->word, memory_order_acquire) == 0 && hold->value->secret.data != NULL;
}

static size_t take_locked(struct lease *lease, struct material material[BATCH])
{
    struct leasehold *hold = lease->emptying;
    size_t count = 0;

    for (; hold != NULL && count < BATCH; hold = LIST_NEXT(hold, of_lease)) {
        if (is_left(hold)) {
            material[count++] = material_of(hold->value);
        }
    }
    lease->emptying = hold;
    return count;
}

/* Some at a time, for no lock is held while they are wiped; each is looked at once, however many there are. */
void leaseholds_empty(struct lease_book *book, struct lease *lease)
{
    struct material material[BATCH];
    size_t count;

    pthread_mutex_lock(&book->lock);
    lease->emptying = LIST_FIRST(&lease->holds);
    pthread_mutex_unlock(&book->lock);
    do {
        pthread_mutex_lock(&book->lock);
        count = take_locked(lease, material);
        pthread_mutex_unlock(&book->lock);
        for (size_t i = 0; i < count; i++) {
            material_wipe(&material[i]);
        }
    } while (count == BATCH);
}

/* The last one has left what is shut; it may have been filled again by now. */
static __attribute__((noinline)) void empty(struct leasehold *hold)
{
    struct material material = {.secret = SECRET_INIT};

    pthread_mutex_lock(&hold->book->lock);
    if (is_left(hold)) {
        material = material_of(hold->value);
    }
    pthread_mutex_unlock(&hold->book->lock);
    material_wipe(&material);
}

void leasehold_leave(struct leasehold *hold)
{
    if (__builtin_expect(atomic_fetch_sub_explicit(&hold->word, 1, memory_order_acq_rel) == 1, 0)) {
        empty(hold);
    }
}

void leasehold_shut(struct leasehold *hold)
{
    atomic_fetch_and_explicit(&hold->word, ~LEASEHOLD_OPEN, memory_order_acq_rel);
}

/* While somebody is still inside, the value is there, and is the same. */
static bool reopen_locked(struct leasehold *hold)
{
    uint32_t word = atomic_load(&hold->word);

    while (word != 0) {
        if (atomic_compare_exchange_weak(&hold->word, &word, word | LEASEHOLD_OPEN)) {
            return true;
        }
    }
    return false;
}

static struct material fill_locked(struct leasehold *hold, struct material *fresh)
{
    struct material old;

    if ((atomic_load(&hold->word) & LEASEHOLD_OPEN) != 0) {
        return *fresh;
    }
    atomic_fetch_add(&hold->fillings, 1);
    if (reopen_locked(hold)) {
        return *fresh;
    }
    old = material_of(hold->value);
    hold->value->secret = fresh->secret;
    hold->value->numbers.pkey = fresh->pkey;
    atomic_store_explicit(&hold->word, LEASEHOLD_OPEN, memory_order_release);
    return old;
}

/* A private key's numbers are read again; the public ones are there already. */
static CK_RV read_numbers(const struct leasehold *hold, struct material *material)
{
    struct key_numbers numbers = {NULL, NULL, NULL};
    CK_RV rv;

    if (hold->value->numbers.rsa == NULL && hold->value->numbers.ec == NULL) {
        return CKR_OK;
    }
    rv = key_numbers_from_pkcs8(secret_bytes(&material->secret), &numbers);
    if (rv == CKR_OK) {
        material->pkey = take(numbers.pkey);
    }
    key_numbers_done(&numbers);
    return rv;
}

CK_RV leasehold_fill(struct leasehold *hold, struct secret *secret)
{
    struct material material = {.secret = *secret};
    CK_RV rv = CKR_CANCEL;

    *secret = (struct secret)SECRET_INIT;
    if (material.secret.size != hold->value->size || read_numbers(hold, &material) != CKR_OK) {
        material_wipe(&material);
        return CKR_DEVICE_ERROR; /* it is not what it was */
    }
    pthread_mutex_lock(&hold->book->lock);
    if (atomic_load(&hold->lease)->state == LEASE_OPEN) {
        material = fill_locked(hold, &material);
        rv = CKR_OK;
    }
    pthread_mutex_unlock(&hold->book->lock);
    material_wipe(&material);
    return rv;
}

static void move_locked(struct leasehold *hold, struct lease *from, struct lease *to)
{
    lease_remove_locked(hold->book, from, hold);
    lease_add_locked(hold->book, to, hold);
}

void leasehold_move_locked(struct leasehold *root, struct lease *to)
{
    struct lease *from = atomic_load(&root->lease);
    struct leasehold *hold = LIST_FIRST(&from->holds), *after;

    while (from != to && hold != NULL) {
        after = LIST_NEXT(hold, of_lease);
        if (hold->root == root) {
            move_locked(hold, from, to);
        }
        hold = after;
    }
}
