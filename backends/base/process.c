/* Who we are: the process that was started, or a child of it; and whether its starter may steer us. */
#include "backends/base/process.h"
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

unsigned char *process_marked;

static void unmark_child(void)
{
    if (process_marked != NULL) {
        __atomic_store_n(process_marked, 0, __ATOMIC_RELEASE);
    }
}

static unsigned char *page_new(size_t size)
{
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) {
        return NULL;
    }
    if (madvise(page, size, MADV_WIPEONFORK) != 0 && pthread_atfork(NULL, NULL, unmark_child) != 0) {
        munmap(page, size);
        return NULL;
    }
    return page;
}

CK_RV process_mark(void)
{
    if (process_marked == NULL) {
        unsigned char *page = page_new((size_t)sysconf(_SC_PAGESIZE));

        if (page == NULL) {
            return CKR_HOST_MEMORY;
        }
        __atomic_store_n(&process_marked, page, __ATOMIC_RELEASE);
    }
    __atomic_store_n(process_marked, 1, __ATOMIC_RELEASE);
    return CKR_OK;
}

bool process_is_secure(void)
{
    return getauxval(AT_SECURE) != 0;
}
