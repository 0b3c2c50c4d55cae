/*
 * CKM_RSA_AES_KEY_WRAP (2.40 mechanisms, 2.1.21): a new AES key under the RSA key by OAEP, then the key under
 * that AES key by RFC 5649.
 */
#include "backends/hsm/hsm_rsa_aes.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"

enum { RFC5649_UNIT = 8, RFC5649_LEAST = 16, PROBE_SIZE = 9, PROBE_BLOB = 64 };

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET;

/* A temporary key. */
struct temporary {
    struct hsm_session *session;
    CK_OBJECT_HANDLE key;
    bool is_there;
};

static void temporary_destroy(struct temporary *temporary)
{
    struct hsm_session *session = temporary->session;

    if (!temporary->is_there) {
        return;
    }
    CK_RV rv = hsm_pass_destroy_object(&session->base, temporary->key);

    if (rv != CKR_OK && rv != CKR_SESSION_HANDLE_INVALID) {
        log_warning(session->token->label,
                    "the HSM did not destroy a temporary AES key (0x%lx); it lives as long as its session",
                    rv);
    }
}

/* What a task is about. */
struct composing {
    struct hsm_session *session;
    CK_MECHANISM oaep;
    CK_MECHANISM rfc5649;
    CK_ULONG aes_size;
};

static CK_RV read_mechanism(struct hsm_session *session, const CK_MECHANISM *mechanism, CK_FLAGS use,
                            struct composing *ret_composing)
{
    const struct rsa_aes_key_wrap_params *params = mechanism->pParameter;
    struct composing composing = {.session = session};

    if (params == NULL || mechanism->ulParameterLen != sizeof *params || params->oaep == NULL ||
        (params->aes_bits != 128 && params->aes_bits != 192 && params->aes_bits != 256)) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    if (!hsm_session_rfc5649(session, use, &composing.rfc5649.mechanism)) {
        return CKR_MECHANISM_INVALID;
    }
    composing.oaep = (CK_MECHANISM){CKM_RSA_PKCS_OAEP, params->oaep, sizeof *params->oaep};
    composing.aes_size = params->aes_bits / 8;
    *ret_composing = composing;
    return CKR_OK;
}

/*
 * A template that the HSM would hold the inner key to, and cannot, because it sees the temporary key alone
 * under this RSA key.
 */
static bool has_template(struct hsm_session *session, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
    CK_ATTRIBUTE template = {type, NULL, 0};

    return hsm_pass_get_attribute_value(&session->base, key, &template, 1) == CKR_OK &&
           template.ulValueLen != 0 && template.ulValueLen != CK_UNAVAILABLE_INFORMATION;
}

/* Private where that is possible: others in this process then need the login to see it. */
static CK_BBOOL *privacy(struct hsm_session *session)
{
    CK_SESSION_INFO info;
    bool user = hsm_session_get_info(&session->base, &info) == CKR_OK &&
                (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS);

    return user ? &yes : &no;
}

static CK_RV temporary_generate(const struct composing *composing, struct temporary *temporary)
{
    struct hsm_session *session = composing->session;
    CK_ULONG size = composing->aes_size;
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &secret_key, sizeof secret_key},
        {CKA_KEY_TYPE, &aes, sizeof aes},
        {CKA_TOKEN, &no, sizeof no},
        {CKA_PRIVATE, privacy(session), sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &yes, sizeof yes},
        {CKA_WRAP, &yes, sizeof yes},
        {CKA_UNWRAP, &yes, sizeof yes}, /* for fills_up() */
        {CKA_ENCRYPT, &no, sizeof no},
        {CKA_DECRYPT, &no, sizeof no},
        {CKA_VALUE_LEN, &size, sizeof size},
    };
    CK_RV rv = hsm_pass_generate_key(&session->base, &generate, template,
                                     sizeof template / sizeof template[0], &temporary -> key);

    temporary->is_there = rv == CKR_OK;
    return rv;
}

static bool read_length(struct hsm_session *session, CK_OBJECT_HANDLE key, CK_ULONG *ret_length)
{
    CK_ATTRIBUTE length = {CKA_VALUE_LEN, ret_length, sizeof *ret_length};

    return hsm_pass_get_attribute_value(&session->base, key, &length, 1) == CKR_OK &&
           length.ulValueLen == sizeof *ret_length;
}

/*
 * SoftHSM 2.6 fills a key up with zeros to whole units, so that another key would come out. A probe of nine
 * bytes that are no secret tells: true when it comes back longer.
 */
static bool fills_up(struct composing *composing, CK_OBJECT_HANDLE aes_key)
{
    struct hsm_session *session = composing->session;
    struct temporary probe SCOPED(temporary_destroy) = {.session = session};
    struct temporary again SCOPED(temporary_destroy) = {.session = session};
    CK_BYTE value[PROBE_SIZE] = {1}, blob[PROBE_BLOB];
    CK_ULONG size = sizeof blob;
    CK_ATTRIBUTE length = {CKA_VALUE, NULL, 0};
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &secret_key, sizeof secret_key},
        {CKA_KEY_TYPE, &generic, sizeof generic},
        {CKA_TOKEN, &no, sizeof no},
        {CKA_PRIVATE, privacy(session), sizeof yes},
        {CKA_SENSITIVE, &no, sizeof no},
        {CKA_EXTRACTABLE, &yes, sizeof yes},
        {CKA_VALUE, value, sizeof value},
    };
    CK_ULONG count = sizeof template / sizeof template[0];

    probe.is_there = hsm_pass_create_object(&session->base, template, count, &probe.key) == CKR_OK;
    if (!probe.is_there ||
        hsm_pass_wrap_key(&session->base, &composing->rfc5649, aes_key, probe.key, blob, &size) != CKR_OK) {
        return false;
    }
    again.is_there = hsm_pass_unwrap_key(&session->base, &composing->rfc5649, aes_key, blob, size, template,
                                         count - 1, &again.key) == CKR_OK;
    return again.is_there && hsm_pass_get_attribute_value(&session->base, again.key, &length, 1) == CKR_OK &&
           length.ulValueLen != sizeof value && length.ulValueLen != CK_UNAVAILABLE_INFORMATION;
}

static CK_RV check_length(struct composing *composing, CK_OBJECT_HANDLE aes_key, CK_OBJECT_HANDLE key)
{
    struct hsm_session *session = composing->session;
    CK_ULONG length;

    if (!read_length(session, key, &length) || length % RFC5649_UNIT == 0 || !fills_up(composing, aes_key)) {
        return CKR_OK;
    }
    log_error(session->token->label,
              "the HSM would wrap a key of %lu bytes as a longer one; it does so with keys that are not a "
              "multiple of 8 bytes long",
              length);
    return CKR_KEY_SIZE_RANGE;
}

/* The size, or, where there is room, both halves. */
static CK_RV wrap_halves(struct composing *composing, CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE aes_key,
                         CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_size)
{
    struct token_session *session = &composing->session->base;
    CK_ULONG first = 0, second = 0;
    CK_RV rv = hsm_pass_wrap_key(session, &composing->oaep, kek, aes_key, NULL, &first);

    if (rv == CKR_OK) {
        rv = hsm_pass_wrap_key(session, &composing->rfc5649, aes_key, key, NULL, &second);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    if (out == NULL || *out_size < first + second) {
        *out_size = first + second;
        return out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    }
    rv = check_length(composing, aes_key, key);
    if (rv == CKR_OK) {
        rv = hsm_pass_wrap_key(session, &composing->oaep, kek, aes_key, out, &first);
    }
    second = *out_size - first;
    if (rv == CKR_OK) {
        rv = hsm_pass_wrap_key(session, &composing->rfc5649, aes_key, key, out + first, &second);
    }
    if (rv == CKR_OK) {
        *out_size = first + second;
    }
    return rv;
}

CK_RV hsm_rsa_aes_wrap(struct hsm_session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE kek,
                       CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_size)
{
    struct temporary temporary SCOPED(temporary_destroy) = {.session = session};
    struct composing composing;

    if (out_size == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    CK_RV rv = read_mechanism(session, mechanism, CKF_WRAP, &composing);

    if (rv != CKR_OK) {
        return rv;
    }
    if (has_template(session, kek, CKA_WRAP_TEMPLATE)) {
        return CKR_KEY_NOT_WRAPPABLE;
    }
    rv = temporary_generate(&composing, &temporary);
    return rv == CKR_OK ? wrap_halves(&composing, kek, temporary.key, key, out, out_size) : rv;
}

/* Which half of a blob is bad, and how, is nobody's business. */
static CK_RV opened(CK_RV rv)
{
    switch (rv) {
    case CKR_WRAPPED_KEY_LEN_RANGE:
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_DATA_INVALID:
    case CKR_DATA_LEN_RANGE:
    case CKR_KEY_SIZE_RANGE:
    case CKR_GENERAL_ERROR: /* SoftHSM's and others' word for it */
    case CKR_FUNCTION_FAILED:
        return CKR_WRAPPED_KEY_INVALID;
    default:
        return rv;
    }
}

/* Its template is ours and good, so that what does not fit it is what came out of the blob. */
static CK_RV first_opened(CK_RV rv)
{
    switch (rv) {
    case CKR_TEMPLATE_INCONSISTENT:
    case CKR_TEMPLATE_INCOMPLETE:
    case CKR_ATTRIBUTE_VALUE_INVALID:
    case CKR_KEY_TYPE_INCONSISTENT:
        return CKR_WRAPPED_KEY_INVALID;
    default:
        return opened(rv);
    }
}

static CK_RV temporary_unwrap(struct composing *composing, CK_OBJECT_HANDLE kek, CK_BYTE *blob, CK_ULONG size,
                              struct temporary *temporary)
{
    struct hsm_session *session = composing->session;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &secret_key, sizeof secret_key},
        {CKA_KEY_TYPE, &aes, sizeof aes},
        {CKA_TOKEN, &no, sizeof no},
        {CKA_PRIVATE, privacy(session), sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_WRAP, &no, sizeof no},
        {CKA_UNWRAP, &yes, sizeof yes},
        {CKA_ENCRYPT, &no, sizeof no},
        {CKA_DECRYPT, &no, sizeof no},
    };
    CK_RV rv = hsm_pass_unwrap_key(&session->base, &composing->oaep, kek, blob, size, template,
                                   sizeof template / sizeof template[0], &temporary -> key);

    temporary->is_there = rv == CKR_OK;
    return first_opened(rv);
}

/* How long the first half is: as long as the modulus. */
static CK_RV rsa_size(struct hsm_session *session, CK_OBJECT_HANDLE kek, CK_ULONG *ret_size)
{
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};
    CK_RV rv = hsm_pass_get_attribute_value(&session->base, kek, &modulus, 1);

    switch (rv) {
    case CKR_OK:
        *ret_size = modulus.ulValueLen;
        return CKR_OK;
    case CKR_OBJECT_HANDLE_INVALID:
        return CKR_UNWRAPPING_KEY_HANDLE_INVALID;
    case CKR_ATTRIBUTE_TYPE_INVALID:
    case CKR_ATTRIBUTE_SENSITIVE:
        return CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT;
    default:
        return rv;
    }
}

/* So that the work does not tell either which half was bad: the second with a key that it does not open with. */
static void open_in_vain(struct composing *composing, CK_BYTE *blob, CK_ULONG size, CK_ATTRIBUTE *template,
                         CK_ULONG count)
{
    struct hsm_session *session = composing->session;
    struct temporary random SCOPED(temporary_destroy) = {.session = session};
    struct temporary chance SCOPED(temporary_destroy) = {.session = session};

    if (temporary_generate(composing, &random) == CKR_OK) {
        chance.is_there = hsm_pass_unwrap_key(&session->base, &composing->rfc5649, random.key, blob, size,
                                              template, count, &chance.key) == CKR_OK;
    }
}

CK_RV hsm_rsa_aes_unwrap(struct hsm_session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE kek,
                         CK_BYTE *blob, CK_ULONG size, CK_ATTRIBUTE *template, CK_ULONG count,
                         CK_OBJECT_HANDLE *ret_key)
{
    struct temporary temporary SCOPED(temporary_destroy) = {.session = session};
    struct composing composing;
    CK_ULONG first;

    if (blob == NULL || ret_key == NULL || (template == NULL && count != 0)) {
        return CKR_ARGUMENTS_BAD;
    }
    CK_RV rv = read_mechanism(session, mechanism, CKF_UNWRAP, &composing);

    if (rv == CKR_OK) {
        rv = rsa_size(session, kek, &first);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    if (size < first + RFC5649_LEAST || (size - first) % RFC5649_UNIT != 0) {
        return CKR_WRAPPED_KEY_LEN_RANGE;
    }
    if (has_template(session, kek, CKA_UNWRAP_TEMPLATE)) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    rv = temporary_unwrap(&composing, kek, blob, first, &temporary);
    if (rv == CKR_WRAPPED_KEY_INVALID) {
        open_in_vain(&composing, blob + first, size - first, template, count);
    }
    return rv == CKR_OK ? opened(hsm_pass_unwrap_key(&session->base, &composing.rfc5649, temporary.key,
                                                     blob + first, size - first, template, count, ret_key))
                        : rv;
}
