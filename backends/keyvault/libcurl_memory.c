/* malloc that wipes. */
#include "backends/keyvault/libcurl_memory.h"
#include "backends/base/buffer.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void wipe_and_free(void *block)
{
    wipe(block, malloc_usable_size(block));
    free(block);
}

/* realloc() would leave a copy behind when it moves. */
static void *wipe_and_move(void *block, size_t size)
{
    size_t room = malloc_usable_size(block);
    void *moved;

    if (block != NULL && size <= room && size != 0) {
        return block;
    }
    moved = malloc(size);
    if (moved != NULL && block != NULL) {
        memcpy(moved, block, room < size ? room : size);
        wipe_and_free(block);
    }
    return moved;
}

CURLcode libcurl_memory_init(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free, wipe_and_move, strdup, calloc);
}
