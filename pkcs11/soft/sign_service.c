/*
 * Signatures by a key of the service: made there, of digests; checked here, with the public part. A signature
 * that did not fit waits in the session, so that a second call costs no second request.
 */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/digest_info.h"
#include "pkcs11/soft/key_attribute.h"
#include "pkcs11/soft/key_policy.h"
#include "pkcs11/soft/signing.h"
#include "pkcs11/soft/soft.h"
#include <string.h>

enum { LONGEST_ECDSA = 2 * 66, PKCS1_OVERHEAD = 11 };

static bool is_other_type(enum key_type type, CK_KEY_TYPE wanted)
{
    return type != KEY_TYPE_UNKNOWN && type != (wanted == CKK_RSA ? KEY_TYPE_RSA : KEY_TYPE_EC);
}

/* Old knowledge forbids nothing: the owner may have changed the key, which the service knows. */
static CK_RV permits(const struct soft_session *session, const struct object *key,
                     const struct mechanism *mechanism, bool verify)
{
    const struct key_access *access = &session->token->catalogue.access;
    struct public_part *part SCOPED(public_part_free_scoped) = service_key_current(key->key, access);

    if (is_other_type(service_key_type(key->key), mechanism->key_type)) {
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    if (key->class != (verify ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY)) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    if (!verify && access->service->ops->sign == NULL) {
        return CKR_MECHANISM_INVALID;
    }
    return key_allows(part, verify ? KEY_USE_VERIFY : KEY_USE_SIGN) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static size_t size_of(const struct signing *signing, const struct object *key, bool *ret_known)
{
    size_t size = service_key_blob_size(key->key);

    *ret_known = size != 0;
    if (size != 0) {
        return size;
    }
    return signing->how.scheme == SIGNATURE_ECDSA ? LONGEST_ECDSA : LONGEST_BLOB;
}

static const enum signature_algorithm rsa_algorithms[][HASHES] = {
    [SIGNATURE_PKCS1] =
        {[HASH_SHA256] = SIGNATURE_RS256, [HASH_SHA384] = SIGNATURE_RS384, [HASH_SHA512] = SIGNATURE_RS512},
    [SIGNATURE_PSS] =
        {[HASH_SHA256] = SIGNATURE_PS256, [HASH_SHA384] = SIGNATURE_PS384, [HASH_SHA512] = SIGNATURE_PS512},
};

/* What the service is asked for. */
struct request {
    enum signature_algorithm algorithm;
    struct bytes digest;
    unsigned char room[LONGEST_HASH];
};

static CK_RV ask_for_rsa(const struct soft_session *session, const struct signing *signing,
                         struct bytes input, struct request *request)
{
    enum hash hash = signing->how.hash;

    request->digest = input;
    if (hash == HASH_NONE) {
        CK_RV rv = digest_info_read(input, &hash, &request->digest);

        if (rv != CKR_OK) {
            log_info(session->token->label,
                     "CKM_RSA_PKCS signs the DigestInfo of SHA-256, SHA-384 or SHA-512, and nothing else: "
                     "key services sign digests");
            return rv;
        }
    }
    request->algorithm = rsa_algorithms[signing->how.scheme][hash];
    return CKR_OK;
}

/*
 * The curve is not known where the service tells nothing: then it is the one that such digests go with. Where
 * it cannot be asked just now, what it said before holds; it will say itself what is wrong.
 */
static CK_RV curve_for(struct soft_session *session, struct service_key *key, size_t digest_size,
                       struct deadline deadline, enum ec_curve *ret_curve)
{
    struct key_access *access = &session->token->catalogue.access;
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = service_key_public(key, access, deadline, &part, &answer);

    soft_session_note(session, rv, &answer);
    if (rv != CKR_OK && (part = service_key_known(key)) == NULL) {
        return rv;
    }
    if (part != NULL && part->info.type != KEY_TYPE_EC) {
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    if (part != NULL && part->info.ec != NULL) {
        *ret_curve = ec_public_curve(part->info.ec);
        return CKR_OK;
    }
    *ret_curve = digest_size <= 32 ? EC_P256 : digest_size <= 48 ? EC_P384 : EC_P521;
    return CKR_OK;
}

static const struct {
    enum signature_algorithm algorithm;
    size_t digest_size;
} ec_algorithms[EC_CURVES] = {
    [EC_P256] = {SIGNATURE_ES256, 32},
    [EC_P384] = {SIGNATURE_ES384, 48},
    [EC_P521] = {SIGNATURE_ES512, 64},
};

/*
 * The service takes digests of one length. A digest is a number of which the leftmost bits count, as many as
 * the order has (FIPS 186-5, 6.4.1): a longer one is cut off, a shorter one gets zeros before it. The order of
 * P-521 has more bits than the service takes.
 */
static CK_RV ask_for_ecdsa(struct bytes input, enum ec_curve curve, struct request *request)
{
    size_t size = ec_algorithms[curve].digest_size;
    size_t used = input.size < size ? input.size : size;

    if (input.size > size && curve == EC_P521) {
        return CKR_DATA_LEN_RANGE;
    }
    memset(request->room, 0, size);
    memcpy(request->room + size - used, input.data, used);
    request->digest = bytes_of(request->room, size);
    request->algorithm = ec_algorithms[curve].algorithm;
    return CKR_OK;
}

/* Whether a key as the owner wants it made the signature; another version may have come into use meanwhile. */
static CK_RV check_made(struct service_key *key, struct key_access *access, const struct request *request,
                        size_t size, struct deadline deadline, struct service_answer *ret_answer)
{
    bool is_rsa = request->algorithm < SIGNATURE_ES256;
    CK_RV rv = is_rsa ? key_policy_check_size(key, access, size) : CKR_OK;

    return rv == CKR_OK ? key_policy_check(key, access, KEY_USE_SIGN, deadline, ret_answer) : rv;
}

static CK_RV ask(struct soft_session *session, struct service_key *key, const struct request *request,
                 struct deadline deadline, struct buffer *ret_signature, struct service_answer *ret_answer)
{
    struct key_access *access = &session->token->catalogue.access;
    CK_RV rv = service_key_check_use(key, access, deadline, ret_answer);

    if (rv == CKR_OK) {
        rv = key_policy_check(key, access, KEY_USE_SIGN, deadline, ret_answer);
    }
    if (rv == CKR_OK) {
        rv = access->service->ops->sign(access->service, &key->ref, request->algorithm, request->digest,
                                        deadline, ret_signature, ret_answer);
        service_key_learn(key, access, ret_answer, rv == CKR_OK ? ret_signature->size : 0);
        rv = rv == CKR_OK ? check_made(key, access, request, ret_signature->size, deadline, ret_answer) : rv;
    }
    if (rv != CKR_OK) {
        rv = soft_judge_dates(session, key, rv, ret_answer);
    }
    soft_session_note(session, rv, ret_answer);
    return rv;
}

static CK_RV ask_recorded(struct soft_session *session, CK_MECHANISM_TYPE mechanism, struct service_key *key,
                          const struct request *request, struct deadline deadline,
                          struct buffer *ret_signature)
{
    struct service_answer answer = {VERDICT_NONE};
    int64_t began = audit_began();
    CK_RV rv = ask(session, key, request, deadline, ret_signature, &answer);

    rv = soft_audit_use(
        session->token, key,
        (struct audit_use){.operation = "sign",
                           .mechanism = mechanism,
                           .blob = rv == CKR_OK ? buffer_bytes(ret_signature) : bytes_of(NULL, 0),
                           .answer = &answer,
                           .began = began,
                           .rv = rv});
    if (rv != CKR_OK) {
        buffer_clear(ret_signature);
    }
    return rv;
}

static CK_RV make_request(struct soft_session *session, const struct signing *signing,
                          struct service_key *key, struct bytes input, struct deadline deadline,
                          struct request *request)
{
    enum ec_curve curve;
    CK_RV rv = signing_check_input(signing, input);

    if (rv != CKR_OK) {
        return rv;
    }
    if (signing->how.scheme != SIGNATURE_ECDSA) {
        return ask_for_rsa(session, signing, input, request);
    }
    rv = curve_for(session, key, input.size, deadline, &curve);
    return rv == CKR_OK ? ask_for_ecdsa(input, curve, request) : rv;
}

/* The signature of just this input is there already: an earlier call had no room for it. */
static bool is_waiting(const struct signing *signing, struct bytes input)
{
    return signing->done && bytes_equal(input, buffer_bytes(&signing->input));
}

static CK_RV keep_input(struct signing *signing, struct bytes input)
{
    if (input.data == signing->input.data) {
        return CKR_OK;
    }
    buffer_clear(&signing->input);
    return buffer_append(&signing->input, input.data, input.size);
}

static CK_RV make(struct soft_session *session, struct signing *signing, const struct object *key,
                  struct bytes input, struct bytes *ret_signature)
{
    struct deadline deadline = soft_deadline(session->token);
    struct request request;
    CK_RV rv = CKR_OK;

    if (!is_waiting(signing, input)) {
        signing->done = false;
        rv = make_request(session, signing, key->key, input, deadline, &request);
        if (rv == CKR_OK) {
            rv = keep_input(signing, input);
        }
        if (rv == CKR_OK) {
            rv = ask_recorded(session, signing->mechanism->type, key->key, &request, deadline,
                              &signing->signature);
        }
    }
    if (rv == CKR_OK) {
        signing->done = true;
        *ret_signature = buffer_bytes(&signing->signature);
    }
    return rv;
}

static CK_RV check_with(const struct public_part *part, const struct signing *signing, struct bytes input,
                        struct bytes signature)
{
    if (signing->how.scheme == SIGNATURE_ECDSA) {
        return part->info.ec == NULL
                   ? CKR_KEY_TYPE_INCONSISTENT
                   : signature_check(ec_public_pkey(part->info.ec), signing->how, input, signature);
    }
    if (part->info.rsa == NULL) {
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    if (input.size > rsa_public_modulus(part->info.rsa).size - PKCS1_OVERHEAD) {
        return CKR_DATA_LEN_RANGE;
    }
    return rsa_verify(part->info.rsa, signing->how, input, signature);
}

static CK_RV check(struct soft_session *session, const struct signing *signing, const struct object *key,
                   struct bytes input, struct bytes signature)
{
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    struct key_access *access = &session->token->catalogue.access;
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = signing_check_input(signing, input);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = service_key_public(key->key, access, soft_deadline(session->token), &part, &answer);
    soft_session_note(session, rv, &answer);
    if (rv == CKR_OK && part == NULL) {
        log_warning(
            access->label,
            "key %s: signatures are checked with its public part, which the service does not give; the "
            "permission for it is get (keys), or put %s.pem into public-keys",
            key->key->text, key->key->ref.name);
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    return rv == CKR_OK ? check_with(part, signing, input, signature) : rv;
}

const struct sign_way sign_service = {permits, size_of, make, check};
