/* What was opened last. */
#include "tests/standin/opened.h"
#include <stdlib.h>
#include <string.h>

static struct blob copy(const struct blob *blob)
{
    struct blob made = {need(malloc(blob->size + 1)), blob->size};

    memcpy(made.data, blob->data, blob->size);
    made.data[blob->size] = 0;
    return made;
}

bool opened_recall(const struct opened *opened, const struct keypair *pair, const struct algorithm *how,
                   const struct blob *blob, struct blob *ret_plain)
{
    if (opened->pair != pair || opened->how != how || opened->blob.size != blob->size ||
        memcmp(opened->blob.data, blob->data, blob->size) != 0) {
        return false;
    }
    *ret_plain = copy(&opened->plain);
    return true;
}

void opened_keep(struct opened *opened, const struct keypair *pair, const struct algorithm *how,
                 const struct blob *blob, const struct blob *plain)
{
    opened_done(opened);
    *opened = (struct opened){pair, how, copy(blob), copy(plain)};
}

void opened_done(struct opened *opened)
{
    owned_blob(&opened->blob);
    owned_blob(&opened->plain);
    *opened = (struct opened){0};
}
