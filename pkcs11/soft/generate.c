/* C_GenerateKey from our libcrypto, and the random numbers from there or from the service. */
#include "backends/base/libcrypto.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/soft.h"

CK_RV soft_generate_key(struct token_session *base, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template,
                        CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    struct soft_session *session = soft_session_of(base);
    struct local_key *key SCOPED(local_key_free_scoped) = NULL;
    struct mechanism_parameter parameter;
    const struct mechanism *row;
    CK_RV rv;

    if (ret_key == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    rv = mechanism_read(&session->token->asked, mechanism, CKF_GENERATE, &row, &parameter);
    if (rv == CKR_OK) {
        rv = local_key_new(LOCAL_MADE_HERE, row->key_type, template, count, &key);
    }
    if (rv == CKR_OK) {
        rv = secret_new(key->wanted_size, &key->value->secret);
    }
    if (rv == CKR_OK) {
        rv = libcrypto_random(key->value->secret.data, key->value->secret.size);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    key->made_by = row->type;
    return object_store_add_local(&session->token->store, &session->objects, take(key), ret_key);
}

static CK_RV ask_random(struct soft_session *session, CK_BYTE *ret_data, CK_ULONG size)
{
    struct key_service *service = session->token->service;
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = service->ops->random(service, ret_data, size, soft_deadline(session->token), &answer);

    soft_session_note(session, rv, &answer);
    return rv;
}

CK_RV soft_generate_random(struct token_session *base, CK_BYTE *ret_data, CK_ULONG size)
{
    struct soft_session *session = soft_session_of(base);

    if (size == 0) {
        return CKR_OK;
    }
    if (ret_data == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    return session->token->random_there ? ask_random(session, ret_data, size)
                                        : libcrypto_random(ret_data, size);
}

/* The generator seeds itself; a promise to mix in what it is given would be empty. */
CK_RV soft_seed_random(struct token_session *base, CK_BYTE *seed, CK_ULONG seed_size)
{
    (void)base;
    return seed == NULL && seed_size != 0 ? CKR_ARGUMENTS_BAD : CKR_RANDOM_SEED_NOT_SUPPORTED;
}
