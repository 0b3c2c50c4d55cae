/* The token above an HSM's that keeps to the policy. */
#include "backends/policy_token.h"
#include "backends/base/mechanism_name.h"
#include "backends/base/scope.h"
#include "backends/policy_key.h"
#include "backends/token_above.h"
#include "backends/token_policy.h"
#include <stdlib.h>
#include <string.h>

enum { TRIES = 3, MOST_MECHANISMS = 65536 /* a module that says more is not believed */ };

struct policy_token {
    struct token_above above;
    struct token_policy policy;
    struct policy_keys keys;
};

struct policy_session {
    struct session_above above;
    struct policy_known known;
};

static struct policy_token *token_of(struct token_session *session)
{
    return (struct policy_token *)((struct session_above *)session)->token;
}

static void close_token(struct token *base)
{
    struct policy_token *token = (struct policy_token *)base;

    token_policy_done(&token->policy);
    policy_keys_done(&token->keys);
    token_above_close(base);
}

static CK_RV open_session(struct token *base, CK_FLAGS flags, token_notify *notify, void *notify_arg,
                          struct token_session **ret_session)
{
    struct token_session *session;
    CK_RV rv =
        token_above_open_session(base, sizeof(struct policy_session), flags, notify, notify_arg, &session);

    if (rv == CKR_OK) {
        policy_known_init(&((struct policy_session *)session)->known);
        *ret_session = session;
    }
    return rv;
}

static CK_RV close_session(struct token_session *base)
{
    policy_known_done(&((struct policy_session *)base)->known);
    return token_above_close_session(base);
}

/* The list below, which another thread or the HSM may change between its two halves. */
static CK_RV list_below(struct token *base, CK_MECHANISM_TYPE **ret_list, CK_ULONG *ret_count)
{
    CK_RV rv = CKR_BUFFER_TOO_SMALL;

    for (int i = 0; i < TRIES && rv == CKR_BUFFER_TOO_SMALL; i++) {
        CK_MECHANISM_TYPE *list SCOPED(scope_free) = NULL;
        CK_ULONG count = 0;

        rv = token_above_get_mechanism_list(base, NULL, &count);
        if (rv != CKR_OK) {
            return rv;
        }
        list = count > MOST_MECHANISMS ? NULL : calloc(count + 1, sizeof *list);
        if (list == NULL) {
            return CKR_HOST_MEMORY;
        }
        rv = token_above_get_mechanism_list(base, list, &count);
        if (rv == CKR_OK) {
            *ret_list = take(list);
            *ret_count = count;
        }
    }
    return rv;
}

static CK_RV get_mechanism_list(struct token *base, CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count)
{
    const struct policy_token *token = (struct policy_token *)base;
    CK_MECHANISM_TYPE *all SCOPED(scope_free) = NULL;
    CK_ULONG count = 0;
    CK_RV rv = list_below(base, &all, &count);

    return rv == CKR_OK ? token_policy_list(&token->policy, all, count, ret_list, ret_count) : rv;
}

static CK_RV get_mechanism_info(struct token *base, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    const struct policy_token *token = (struct policy_token *)base;

    return token_policy_has(&token->policy, type) ? token_above_get_mechanism_info(base, type, ret_info)
                                                  : CKR_MECHANISM_INVALID;
}

/* No mechanism at all is for the HSM to judge: in 3.0 it ends an operation. */
static CK_RV check(struct token_session *session, const CK_MECHANISM *mechanism)
{
    return mechanism == NULL || token_policy_has(&token_of(session)->policy, mechanism->mechanism)
               ? CKR_OK
               : CKR_MECHANISM_INVALID;
}

/* Of a mechanism that has a name without RSA in it the HSM knows itself that an RSA key is none for it; but for two. */
static bool takes_rsa(CK_MECHANISM_TYPE type)
{
    const char *name = mechanism_name(type);

    return name == NULL || type == CKM_CMS_SIG || type == CKM_KEY_WRAP_SET_OAEP ||
           strstr(name, "RSA") != NULL;
}

/* The same, and whether the key is one to be used. */
static CK_RV check_with(struct token_session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                        CK_RV bad_handle)
{
    struct policy_token *token = token_of(session);
    CK_RV rv = check(session, mechanism);

    if (rv != CKR_OK || mechanism == NULL || token->keys.min_bits == 0 || !takes_rsa(mechanism->mechanism)) {
        return rv;
    }
    return policy_key_check(&token->keys, &((struct policy_session *)session)->known,
                            ((struct session_above *)session)->below, key, bad_handle);
}

/* clang-format off */
/* What protects, opens or signs. */
#define USING(verb) \
    static CK_RV verb(struct token_session *session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) \
    { \
        CK_RV rv = check_with(session, mechanism, key, CKR_KEY_HANDLE_INVALID); \
\
        return rv == CKR_OK ? token_above_##verb(session, mechanism, key) : rv; \
    }

/* What only looks whether a signature is right. */
#define VERIFYING(verb) \
    static CK_RV verb(struct token_session *session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) \
    { \
        CK_RV rv = check(session, mechanism); \
\
        return rv == CKR_OK ? token_above_##verb(session, mechanism, key) : rv; \
    }

USING(encrypt_init)
USING(decrypt_init)
USING(sign_init)
USING(sign_recover_init)
USING(message_encrypt_init)
USING(message_decrypt_init)
USING(message_sign_init)
VERIFYING(verify_init)
VERIFYING(verify_recover_init)
VERIFYING(message_verify_init)
/* clang-format on */

static CK_RV digest_init(struct token_session *session, CK_MECHANISM *mechanism)
{
    CK_RV rv = check(session, mechanism);

    return rv == CKR_OK ? token_above_digest_init(session, mechanism) : rv;
}

static CK_RV generate_key(struct token_session *session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template,
                          CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    CK_RV rv = check(session, mechanism);

    return rv == CKR_OK ? token_above_generate_key(session, mechanism, template, count, ret_key) : rv;
}

static CK_RV generate_key_pair(struct token_session *session, CK_MECHANISM *mechanism,
                               CK_ATTRIBUTE *public_template, CK_ULONG public_count,
                               CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                               CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
    CK_RV rv = check(session, mechanism);

    return rv == CKR_OK
               ? token_above_generate_key_pair(session, mechanism, public_template, public_count,
                                               private_template, private_count, ret_public, ret_private)
               : rv;
}

static CK_RV wrap_key(struct token_session *session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                      CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_size)
{
    CK_RV rv = check_with(session, mechanism, wrapping_key, CKR_WRAPPING_KEY_HANDLE_INVALID);

    return rv == CKR_OK ? token_above_wrap_key(session, mechanism, wrapping_key, key, out, out_size) : rv;
}

static CK_RV unwrap_key(struct token_session *session, CK_MECHANISM *mechanism,
                        CK_OBJECT_HANDLE unwrapping_key, CK_BYTE *blob, CK_ULONG blob_size,
                        CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    CK_RV rv = check_with(session, mechanism, unwrapping_key, CKR_UNWRAPPING_KEY_HANDLE_INVALID);

    return rv == CKR_OK ? token_above_unwrap_key(session, mechanism, unwrapping_key, blob, blob_size,
                                                 template, count, ret_key)
                        : rv;
}

static CK_RV derive_key(struct token_session *session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
                        CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    CK_RV rv = check(session, mechanism);

    return rv == CKR_OK ? token_above_derive_key(session, mechanism, base_key, template, count, ret_key) : rv;
}

static CK_RV destroy_object(struct token_session *session, CK_OBJECT_HANDLE object)
{
    struct policy_keys *keys = &token_of(session)->keys;

    policy_keys_change(keys);
    CK_RV rv = token_above_destroy_object(session, object);

    policy_keys_changed(keys);
    return rv;
}

static CK_RV logout(struct token_session *session)
{
    struct policy_keys *keys = &token_of(session)->keys;

    policy_keys_change(keys);
    CK_RV rv = token_above_logout(session);

    policy_keys_changed(keys);
    return rv;
}

static CK_RV init_token(struct token *base, CK_BYTE *pin, CK_ULONG pin_size, CK_UTF8CHAR *label)
{
    struct policy_keys *keys = &((struct policy_token *)base)->keys;

    policy_keys_change(keys);
    CK_RV rv = token_above_init_token(base, pin, pin_size, label);

    policy_keys_changed(keys);
    return rv;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct token_ops policy_ops = {
    TOKEN_ABOVE_ROWS.name = "policy",
    .close = close_token,
    .get_mechanism_list = get_mechanism_list,
    .get_mechanism_info = get_mechanism_info,
    .init_token = init_token,
    .open_session = open_session,
    .close_session = close_session,
    .set_operation_state = token_above_refuse_state,
    .destroy_object = destroy_object,
    .logout = logout,
    .encrypt_init = encrypt_init,
    .decrypt_init = decrypt_init,
    .digest_init = digest_init,
    .sign_init = sign_init,
    .sign_recover_init = sign_recover_init,
    .verify_init = verify_init,
    .verify_recover_init = verify_recover_init,
    .generate_key = generate_key,
    .generate_key_pair = generate_key_pair,
    .wrap_key = wrap_key,
    .unwrap_key = unwrap_key,
    .derive_key = derive_key,
    .message_encrypt_init = message_encrypt_init,
    .message_decrypt_init = message_decrypt_init,
    .message_sign_init = message_sign_init,
    .message_verify_init = message_verify_init,
};
#pragma GCC diagnostic pop

CK_RV policy_token_above(const struct settings *section, const char *label, struct token **token)
{
    struct token_policy policy SCOPED(token_policy_done_scoped) = {.mechanisms = NULL};
    struct policy_token *above;
    CK_RV rv = token_policy_read(section, &policy);

    if (rv != CKR_OK || !token_policy_asks(&policy)) {
        return rv;
    }
    rv = token_above_put(sizeof *above, &policy_ops, token);
    if (rv != CKR_OK) {
        return rv;
    }
    above = (struct policy_token *)*token;
    above->policy = policy;
    policy = (struct token_policy){.mechanisms = NULL};
    policy_keys_init(&above->keys, settings_title(section), label, above->policy.min_rsa_bits);
    return CKR_OK;
}
