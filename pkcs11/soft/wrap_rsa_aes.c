/*
 * CKM_RSA_AES_KEY_WRAP (PKCS#11 2.40, mechanisms 2.1.21): a fresh AES key under RSA-OAEP, and after it the key
 * under that AES key (RFC 5649); so keys longer than an RSA block can be wrapped.
 *
 * Whichever half does not open, the answer is the same, and so are the requests and the work: a version of the key has
 * opened the blob where both halves opened. Else a blob whose first half is good would cost one request and another one
 * as many as there are versions, which a clock can tell. Nobody would learn the key by that: whether a version opens an
 * RSA-OAEP ciphertext is what C_UnwrapKey tells under CKM_RSA_PKCS_OAEP anyway, whoever has the public key can make one
 * that opens, and what an attack needs, why one does not, the service keeps to itself. But a blob is good as a whole or
 * not at all, and no half of it is to be tried on its own.
 */
#include "backends/base/libcrypto.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/key_policy.h"
#include "pkcs11/soft/version.h"
#include "pkcs11/soft/wrap.h"
#include <string.h>

enum { LEAST_PADDING = SEMIBLOCK, MOST_PADDING = 2 * SEMIBLOCK - 1 }; /* bytes that RFC 5649 adds */

static CK_RV random_key(size_t size, struct secret *ret_key)
{
    CK_RV rv = secret_new(size, ret_key);

    return rv == CKR_OK ? libcrypto_random(ret_key->data, size) : rv;
}

static CK_RV seal_second(const struct wrap_call *call, struct bytes key, const struct secret *middle,
                         size_t size, struct buffer *ret_second)
{
    CK_RV rv = buffer_resize(ret_second, size);

    return rv == CKR_OK ? aes_wrap(&call->session->token->ciphers, CIPHER_KEY_WRAP_PAD, secret_bytes(middle),
                                   bytes_of(NULL, 0), key, ret_second->data)
                        : rv;
}

/* Both halves into `blob`; the second, which the record of the first tells of too, has `size` bytes. */
static CK_RV seal(const struct wrap_call *call, struct bytes key, size_t size, struct buffer *blob)
{
    struct secret middle SCOPED(secret_free) = SECRET_INIT;
    struct buffer second SCOPED(buffer_free) = BUFFER_INIT(size);
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = random_key(call->parameter->aes_size, &middle);

    if (rv == CKR_OK) {
        rv = seal_second(call, key, &middle, size, &second);
    }
    if (rv == CKR_OK) {
        struct rsa_use use = wrap_rsa_use(call, RSA_WRAP, buffer_bytes(&second));

        rv = soft_rsa_seal(&use, secret_bytes(&middle), blob, &answer);
    }
    memcpy(call->trace->version, answer.version, sizeof call->trace->version);
    call->trace->first = blob->size;
    return rv == CKR_OK ? buffer_append(blob, second.data, second.size) : rv;
}

static CK_RV wrap(const struct wrap_call *call, struct bytes key, CK_BYTE *out, CK_ULONG *out_size)
{
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(LONGEST_BLOB + LONGEST_WRAPPED + MOST_PADDING);
    size_t second = aes_wrap_blob_size(CIPHER_KEY_WRAP_PAD, key.size);
    bool known;
    size_t room = soft_rsa_blob_room(call->kek, &known) + second;
    CK_RV rv;

    if (second == 0) {
        return CKR_KEY_SIZE_RANGE;
    }
    if ((known || out == NULL) && !output_fits(out, out_size, room, &rv)) {
        return rv;
    }
    rv = seal(call, key, second, &blob);
    return rv == CKR_OK ? output_deliver(buffer_bytes(&blob), out, out_size) : rv;
}

/* Whether a second half of `size` bytes can hold what the template wants. */
static bool could_hold(const struct local_key *wanted, size_t size)
{
    for (size_t padding = LEAST_PADDING; padding <= MOST_PADDING && padding < size; padding++) {
        if (size % SEMIBLOCK == 0 && local_key_takes(wanted, size - padding)) {
            return true;
        }
    }
    return false;
}

/* How the blob may be cut: the lengths of the first half that leave a second one which could hold the key. */
struct cuts {
    size_t sizes[3];
    size_t count;
};

static void cuts_put_first(struct cuts *cuts, size_t at)
{
    size_t size = cuts->sizes[at];

    memmove(&cuts->sizes[1], &cuts->sizes[0], at * sizeof size);
    cuts->sizes[0] = size;
}

/* Lengths of keys that are refused, unless there is no other: then that is what is wrong. */
static void drop_small(const struct wrap_call *call, struct cuts *cuts)
{
    const struct key_access *access = &call->session->token->catalogue.access;
    size_t kept = 0;

    for (size_t i = 0; i < cuts->count; i++) {
        if (key_policy_fits(access, (unsigned)cuts->sizes[i] * 8)) {
            cuts->sizes[kept++] = cuts->sizes[i];
        }
    }
    cuts->count = kept != 0 || cuts->count == 0 ? kept : 1;
}

/* The current version's own length first, before the others, which are those of older ones. */
static void find_cuts(const struct wrap_call *call, size_t size, const struct local_key *wanted,
                      struct cuts *ret_cuts)
{
    static const size_t sizes[] = {2048 / 8, 3072 / 8, 4096 / 8};
    bool known;
    size_t room = soft_rsa_blob_room(call->kek, &known);

    ret_cuts->count = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (size <= sizes[i] || !could_hold(wanted, size - sizes[i]) ||
            soft_rsa_check_blob(call->kek, sizes[i], RSA_UNWRAP) != CKR_OK) {
            continue;
        }
        ret_cuts->sizes[ret_cuts->count++] = sizes[i];
        if (known && sizes[i] == room) {
            cuts_put_first(ret_cuts, ret_cuts->count - 1);
        }
    }
    drop_small(call, ret_cuts);
}

/* The second half, and where the key that it holds goes. */
struct second {
    struct rsa_rest base;
    const struct wrap_call *call;
    struct bytes blob;
    struct secret *key;
};

/*
 * Where the first half gave nothing, or no key of that size, the second is tried with a random one all the same, so
 * that the work does not tell which was bad.
 */
static CK_RV open_second(const struct rsa_rest *base, const struct secret *middle)
{
    const struct second *second = (const struct second *)base;
    const struct wrap_call *call = second->call;
    struct secret random SCOPED(secret_free) = SECRET_INIT;
    bool good = middle->size == call->parameter->aes_size;
    CK_RV rv = random_key(call->parameter->aes_size, &random);

    if (rv == CKR_OK) {
        rv = aes_unwrap(&call->session->token->ciphers, CIPHER_KEY_WRAP_PAD,
                        secret_bytes(good ? middle : &random), bytes_of(NULL, 0), second->blob, second->key);
    }
    if (rv == CKR_OK && !good) {
        secret_free(second->key);
        return CKR_WRAPPED_KEY_INVALID;
    }
    return rv;
}

static struct second second_of(const struct wrap_call *call, struct bytes blob, size_t first,
                               struct local_key *key)
{
    return (struct second){{open_second, (unsigned)call->parameter->aes_size},
                           call,
                           bytes_of(blob.data + first, blob.size - first),
                           key == NULL ? NULL : &key->value->secret};
}

static struct rsa_use use_of(const struct second *second)
{
    struct rsa_use use = wrap_rsa_use(second->call, RSA_UNWRAP, second->blob);

    use.opening = &second->base;
    return use;
}

/* So that a blob which opened before costs one request, whatever the size of its version. */
static void put_remembered_first(const struct wrap_call *call, struct bytes blob, struct cuts *cuts)
{
    for (size_t i = 0; cuts->count > 1 && i < cuts->count; i++) {
        struct second second = second_of(call, blob, cuts->sizes[i], NULL);
        struct rsa_use use = use_of(&second);

        if (soft_rsa_remembers(&use, bytes_of(blob.data, cuts->sizes[i]))) {
            cuts_put_first(cuts, i);
            return;
        }
    }
}

/* Asked for only where there is more than one way to cut the blob; not to be had: they are tried as they come. */
static void learn_size(const struct wrap_call *call)
{
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = service_key_public(call->kek->key, &call->session->token->catalogue.access,
                                  soft_deadline(call->session->token), &part, &answer);

    soft_session_note(call->session, rv, &answer);
}

static CK_RV open_cut(const struct wrap_call *call, struct bytes blob, size_t first,
                      struct local_key *ret_key, bool *ret_other_may)
{
    struct secret middle SCOPED(secret_free) = SECRET_INIT;
    struct service_answer answer = {VERDICT_NONE};
    struct second second = second_of(call, blob, first, ret_key);
    struct rsa_use use = use_of(&second);
    CK_RV rv = soft_rsa_open(&use, bytes_of(blob.data, first), &middle, &answer);

    *ret_other_may = version_may_differ(&answer);
    if (rv != CKR_OK) {
        secret_free(&ret_key->value->secret);
        return rv;
    }
    call->trace->first = first;
    memcpy(call->trace->version, answer.version, sizeof call->trace->version);
    return CKR_OK;
}

/* Where none opens: a version that was disabled, gone or not allowed might have; its code says so. */
static CK_RV unwrap(const struct wrap_call *call, struct bytes blob, struct local_key *ret_key)
{
    CK_RV rv = CKR_WRAPPED_KEY_INVALID, refused = CKR_WRAPPED_KEY_INVALID;
    bool other_may = true, known;
    struct cuts cuts;

    find_cuts(call, blob.size, ret_key, &cuts);
    (void)soft_rsa_blob_room(call->kek, &known);
    if (cuts.count > 1 && !known) {
        learn_size(call);
        find_cuts(call, blob.size, ret_key, &cuts);
    }
    put_remembered_first(call, blob, &cuts);
    for (size_t i = 0; i < cuts.count && other_may; i++) {
        rv = open_cut(call, blob, cuts.sizes[i], ret_key, &other_may);
        if (rv == CKR_OK) {
            return rv;
        }
        if (refused == CKR_WRAPPED_KEY_INVALID) {
            refused = rv;
        }
    }
    return other_may ? refused : rv;
}

const struct wrap_way wrap_rsa_aes = {wrap, unwrap};
