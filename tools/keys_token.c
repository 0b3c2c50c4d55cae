/* The keys of an HSM's token. */
#include "tools/keys.h"
#include <stdio.h>
#include <string.h>

static const struct {
    CK_KEY_TYPE type;
    const char *name;
    CK_ATTRIBUTE_TYPE size; /* says how large it is, in bits or bytes; 0: nothing does */
} types[] = {
    {CKK_RSA, "RSA", CKA_MODULUS_BITS},
    {CKK_EC, "EC", 0},
    {CKK_AES, "AES", CKA_VALUE_LEN},
    {CKK_GENERIC_SECRET, "generic", CKA_VALUE_LEN},
};

enum { TYPES = sizeof types / sizeof types[0] };

static void describe_type(const struct kek_search *in, const struct kek *kek, struct key_line *line)
{
    CK_ULONG size = 0;

    for (size_t i = 0; i < TYPES; i++) {
        if (types[i].type != kek->type) {
            continue;
        }
        CK_ATTRIBUTE attribute = {types[i].size, &size, sizeof size};
        bool told = types[i].size != 0 &&
                    in->p11->C_GetAttributeValue(in->session, kek->wraps, &attribute, 1) == CKR_OK;

        if (told) {
            snprintf(line->type, sizeof line->type, "%s %lu", types[i].name,
                     types[i].size == CKA_VALUE_LEN ? size * 8 : size);
        } else {
            snprintf(line->type, sizeof line->type, "%s", types[i].name);
        }
    }
}

struct listing {
    const struct kek_search *in;
    struct key_list *list;
    unsigned count;
};

static void add(void *arg, const struct kek *kek)
{
    struct listing *listing = arg;
    struct key_line line = {.state = "enabled", .in_use = true};

    memcpy(line.name, kek->label, sizeof line.name);
    describe_type(listing->in, kek, &line);
    key_list_add(listing->list, &line);
    listing->count++;
}

void keys_of_token(const struct kek_search *in, struct key_list *list)
{
    struct listing listing = {in, list, 0};
    CK_RV rv = kek_each(in, add, &listing);
    const char *heard = diagnosis_heard(list->diagnosis);

    if (rv != CKR_OK) {
        key_list_failed(list, "looking for keys", "", rv);
    } else if (listing.count == 0 && heard[0] != '\0') { /* no login, say */
        diagnosis_fail(list->diagnosis, "keys", "see what `byok-pkcs11 check` says of this token", "%s",
                       heard);
    } else if (listing.count == 0) {
        diagnosis_warn(
            list->diagnosis, "keys",
            "make one with CKA_UNWRAP, or add pin-source to `uri`: private keys are hidden without a login",
            "there is no key that may unwrap");
    }
}
