/* The soft token: opened over a key service, it fills in struct token_ops with what this folder does. */
#include "pkcs11/soft/token.h"
#include "pkcs11/soft/soft.h"
#include <string.h>

enum { MOST_TOKENS = 2048 };

static struct soft_token *soft_token_of(struct token *token)
{
    return (struct soft_token *)token;
}

static void fill(CK_UTF8CHAR *to, size_t size, const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);

    memset(to, ' ', size);
    if (length != 0) {
        memcpy(to, text, length < size ? length : size);
    }
}

static bool present(struct token *token)
{
    (void)token;
    return true;
}

static CK_RV get_slot_info(struct token *base, CK_SLOT_INFO *ret_info)
{
    struct soft_token *token = soft_token_of(base);

    memset(ret_info, 0, sizeof *ret_info);
    fill(ret_info->slotDescription, sizeof ret_info->slotDescription, token->label);
    fill(ret_info->manufacturerID, sizeof ret_info->manufacturerID, token->service->manufacturer);
    ret_info->flags = CKF_TOKEN_PRESENT;
    return CKR_OK;
}

static CK_RV get_token_info(struct token *base, CK_TOKEN_INFO *ret_info)
{
    struct soft_token *token = soft_token_of(base);

    memset(ret_info, 0, sizeof *ret_info);
    fill(ret_info->label, sizeof ret_info->label, token->label);
    fill(ret_info->manufacturerID, sizeof ret_info->manufacturerID, token->service->manufacturer);
    fill(ret_info->model, sizeof ret_info->model, token->service->model);
    fill(ret_info->serialNumber, sizeof ret_info->serialNumber, token->service->serial);
    fill(ret_info->utcTime, sizeof ret_info->utcTime, NULL);
    ret_info->flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED | CKF_RNG;
    ret_info->ulMaxSessionCount = CK_EFFECTIVELY_INFINITE;
    ret_info->ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE;
    ret_info->ulMinPinLen = 0;
    ret_info->ulMaxPinLen = 255;
    ret_info->ulTotalPublicMemory = ret_info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
    ret_info->ulTotalPrivateMemory = ret_info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
    pthread_mutex_lock(&token->lock);
    ret_info->ulSessionCount = token->sessions;
    ret_info->ulRwSessionCount = token->rw_sessions;
    pthread_mutex_unlock(&token->lock);
    return CKR_OK;
}

static CK_RV get_mechanism_list(struct token *token, CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count)
{
    return mechanism_list(&soft_token_of(token)->asked, ret_list, ret_count);
}

static CK_RV get_mechanism_info(struct token *token, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    CK_RV rv = mechanism_info(&soft_token_of(token)->asked, type, ret_info);

    if (rv == CKR_OK && soft_token_of(token)->policy.strict && type == CKM_RSA_PKCS) {
        ret_info->flags &= ~(CK_FLAGS)CKF_UNWRAP;
    }
    return rv;
}

static CK_RV poll_event(struct token *token)
{
    (void)token;
    return CKR_NO_EVENT;
}

static void look(struct token *base)
{
    struct soft_token *token = soft_token_of(base);
    int64_t first_end = atomic_load(&token->leases.first_end);

    if (first_end != INT64_MAX && clock_now() >= first_end) {
        soft_leases_look(token, clock_now());
    }
}

static void close_token(struct token *base)
{
    struct soft_token *token = soft_token_of(base);

    object_store_done(&token->store);
    certificates_done(&token->certificates);
    policy_done(&token->policy);
    lease_book_done(&token->leases);
    token_policy_done(&token->asked);
    catalogue_done(&token->catalogue);
    version_memory_free(token->catalogue.access.memory);
    cipher_set_done(&token->ciphers);
    hmac_set_done(&token->hmacs);
    digest_states_done(&token->digests);
    token->service->ops->close(token->service);
    pthread_cond_destroy(&token->unpinned);
    pthread_mutex_destroy(&token->lock);
    free(token->label);
    free(token->public_keys);
    free(token->certificate_folder);
    free(token);
}

static const struct token_ops ops = {
    .name = "soft",
    .close = close_token,
    .present = present,
    .get_slot_info = get_slot_info,
    .get_token_info = get_token_info,
    .get_mechanism_list = get_mechanism_list,
    .get_mechanism_info = get_mechanism_info,
    .poll_event = poll_event,
    .look = look,
    .open_session = soft_open_session,
    .close_session = soft_close_session,
    .get_session_info = soft_get_session_info,
    .login = soft_login,
    .logout = soft_logout,
    .create_object = soft_create_object,
    .copy_object = soft_copy_object,
    .destroy_object = soft_destroy_object,
    .get_object_size = soft_get_object_size,
    .get_attribute_value = soft_get_attribute_value,
    .set_attribute_value = soft_set_attribute_value,
    .find_objects_init = soft_find_objects_init,
    .find_objects = soft_find_objects,
    .find_objects_final = soft_find_objects_final,
    .encrypt_init = soft_encrypt_init,
    .encrypt = soft_encrypt,
    .encrypt_update = soft_encrypt_update,
    .encrypt_final = soft_encrypt_final,
    .decrypt_init = soft_decrypt_init,
    .decrypt = soft_decrypt,
    .decrypt_update = soft_decrypt_update,
    .decrypt_final = soft_decrypt_final,
    .get_operation_state = soft_get_operation_state,
    .set_operation_state = soft_set_operation_state,
    .digest_init = soft_digest_init,
    .digest = soft_digest,
    .digest_update = soft_digest_update,
    .digest_key = soft_digest_key,
    .digest_final = soft_digest_final,
    .sign_init = soft_sign_init,
    .sign = soft_sign,
    .sign_update = soft_sign_update,
    .sign_final = soft_sign_final,
    .verify_init = soft_verify_init,
    .verify = soft_verify,
    .verify_update = soft_verify_update,
    .verify_final = soft_verify_final,
    .generate_key = soft_generate_key,
    .wrap_key = soft_wrap_key,
    .unwrap_key = soft_unwrap_key,
    .seed_random = soft_seed_random,
    .generate_random = soft_generate_random,
    .session_cancel = soft_session_cancel,
    .message_encrypt_init = soft_message_encrypt_init,
    .encrypt_message = soft_encrypt_message,
    .encrypt_message_begin = soft_encrypt_message_begin,
    .encrypt_message_next = soft_encrypt_message_next,
    .message_encrypt_final = soft_message_encrypt_final,
    .message_decrypt_init = soft_message_decrypt_init,
    .decrypt_message = soft_decrypt_message,
    .decrypt_message_begin = soft_decrypt_message_begin,
    .decrypt_message_next = soft_decrypt_message_next,
    .message_decrypt_final = soft_message_decrypt_final,
    .get_function_status = soft_get_function_status,
    .cancel_function = soft_cancel_function,
};

CK_RV soft_token_open(struct key_service *service, const struct settings *section, unsigned number,
                      struct token **ret_token)
{
    struct soft_token *token = number < MOST_TOKENS ? calloc(1, sizeof *token) : NULL;
    CK_RV rv;

    if (token == NULL) {
        service->ops->close(service);
        return CKR_HOST_MEMORY;
    }
    token->base.ops = &ops;
    token->service = service;
    rv = soft_token_configure(token, section, number);
    if (rv != CKR_OK) {
        close_token(&token->base);
        return rv;
    }
    *ret_token = &token->base;
    return CKR_OK;
}
