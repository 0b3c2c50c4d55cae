/* The functions, what they are called with, and the codes that each may answer with. */
#include "backends/token_functions.h"
#include "tests/pkcs11/soft/random/random.h"
#include <stdio.h>
#include <stdlib.h>

/* Codes that go together; PKCS#11 3.0, section 5, lists them under each function. */
static const CK_RV every[] = {CKR_OK, CKR_ARGUMENTS_BAD};
static const CK_RV init[] = {CKR_OPERATION_ACTIVE,        CKR_MECHANISM_INVALID,
                             CKR_MECHANISM_PARAM_INVALID, CKR_KEY_HANDLE_INVALID,
                             CKR_KEY_TYPE_INCONSISTENT,   CKR_KEY_FUNCTION_NOT_PERMITTED,
                             CKR_KEY_SIZE_RANGE,          CKR_OPERATION_CANCEL_FAILED};
static const CK_RV step[] = {CKR_OPERATION_NOT_INITIALIZED, CKR_KEY_HANDLE_INVALID};
static const CK_RV out[] = {CKR_BUFFER_TOO_SMALL};
static const CK_RV plain[] = {CKR_DATA_LEN_RANGE, CKR_DATA_INVALID};
/* CKR_DEVICE_ERROR: too many bad ciphertexts under CKM_RSA_PKCS, which are limited. */
static const CK_RV cipher[] = {CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_DEVICE_ERROR};
/* Of a key of the service that was not known at its Init; the last is what the service refuses as no such key. */
static const CK_RV late[] = {CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_FUNCTION_FAILED};
static const CK_RV message[] = {CKR_OPERATION_ACTIVE, CKR_AEAD_DECRYPT_FAILED};
static const CK_RV signature[] = {CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE};
static const CK_RV key[] = {CKR_KEY_HANDLE_INVALID, CKR_KEY_INDIGESTIBLE, CKR_KEY_SIZE_RANGE};
static const CK_RV object[] = {CKR_OBJECT_HANDLE_INVALID};
static const CK_RV reading[] = {CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, CKR_BUFFER_TOO_SMALL};
static const CK_RV making[] = {CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID,
                               CKR_ATTRIBUTE_READ_ONLY,    CKR_TEMPLATE_INCOMPLETE,
                               CKR_TEMPLATE_INCONSISTENT,  CKR_TOKEN_WRITE_PROTECTED};
static const CK_RV changing[] = {CKR_ACTION_PROHIBITED};
static const CK_RV mechanism[] = {CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID};
static const CK_RV wrapping[] = {
    CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPING_KEY_SIZE_RANGE, CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
    CKR_KEY_FUNCTION_NOT_PERMITTED,  CKR_KEY_NOT_WRAPPABLE,       CKR_KEY_UNEXTRACTABLE};
static const CK_RV unwrapping[] = {CKR_UNWRAPPING_KEY_HANDLE_INVALID,
                                   CKR_UNWRAPPING_KEY_SIZE_RANGE,
                                   CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
                                   CKR_KEY_FUNCTION_NOT_PERMITTED,
                                   CKR_WRAPPED_KEY_INVALID,
                                   CKR_WRAPPED_KEY_LEN_RANGE,
                                   CKR_DEVICE_ERROR};
static const CK_RV login[] = {CKR_USER_ALREADY_LOGGED_IN, CKR_USER_NOT_LOGGED_IN, CKR_USER_TYPE_INVALID};
static const CK_RV random_codes[] = {CKR_RANDOM_SEED_NOT_SUPPORTED};
static const CK_RV legacy[] = {CKR_FUNCTION_NOT_PARALLEL};
static const CK_RV refusal[] = {CKR_FUNCTION_NOT_SUPPORTED};
static const CK_RV cancel[] = {CKR_OPERATION_CANCEL_FAILED};
static const CK_RV state[] = {CKR_STATE_UNSAVEABLE, CKR_SAVED_STATE_INVALID, CKR_KEY_NOT_NEEDED};

static const struct group {
    const CK_RV *codes;
    size_t count;
} groups[] = {
#define GROUP(name)                                                                                          \
    {                                                                                                        \
        name, sizeof name / sizeof name[0]                                                                   \
    }
    GROUP(every),  GROUP(init),         GROUP(step),      GROUP(out),      GROUP(plain),
    GROUP(cipher), GROUP(signature),    GROUP(key),       GROUP(object),   GROUP(reading),
    GROUP(making), GROUP(changing),     GROUP(mechanism), GROUP(wrapping), GROUP(unwrapping),
    GROUP(login),  GROUP(random_codes), GROUP(legacy),    GROUP(refusal),  GROUP(cancel),
    GROUP(state),  GROUP(late),         GROUP(message)};

enum {
    EVERY = 1 << 0,
    INIT = 1 << 1,
    STEP = 1 << 2,
    OUT = 1 << 3,
    PLAIN = 1 << 4,
    CIPHER = 1 << 5,
    SIGNATURE = 1 << 6,
    KEY = 1 << 7,
    OBJECT = 1 << 8,
    READING = 1 << 9,
    MAKING = 1 << 10,
    CHANGING = 1 << 11,
    MECHANISM = 1 << 12,
    WRAPPING = 1 << 13,
    UNWRAPPING = 1 << 14,
    LOGIN = 1 << 15,
    RANDOM = 1 << 16,
    LEGACY = 1 << 17,
    REFUSAL = 1 << 18,
    CANCEL = 1 << 19,
    STATE = 1 << 20,
    LATE = 1 << 21,
    MESSAGE = 1 << 22
};

/* The arguments of the rows below. */
#define INS       a->in.data, a->in.size
#define MORE      a->more.data, a->more.size
#define OUTS      a->out.data, a->out.size_place
#define TEMPLATE  a->template.list, a->template.count
#define READ      a->other_template.list, a->other_template.count
#define PARAMETER a->parameter, a->parameter_size

/* X(verb, codes, arguments) */
/* clang-format off */
#define EACH_CALL(X) \
    X(init_pin, REFUSAL, (, INS)) \
    X(set_pin, REFUSAL, (, INS, MORE)) \
    X(get_operation_state, STATE | STEP | OUT, (, OUTS)) \
    X(set_operation_state, STATE, (, INS, a->key, a->other_key)) \
    X(login, LOGIN, (, a->flags, INS)) \
    X(logout, LOGIN, ()) \
    X(create_object, MAKING, (, TEMPLATE, a->ret_made[0])) \
    X(copy_object, OBJECT | MAKING | CHANGING, (, a->key, TEMPLATE, a->ret_made[0])) \
    X(destroy_object, OBJECT | CHANGING | MAKING, (, a->key)) \
    X(get_object_size, OBJECT, (, a->key, a->ret_number)) \
    X(get_attribute_value, OBJECT | READING, (, a->key, READ)) \
    X(set_attribute_value, OBJECT | MAKING | CHANGING, (, a->key, TEMPLATE)) \
    X(find_objects_init, INIT | MAKING, (, TEMPLATE)) \
    X(find_objects, STEP, (, a->found, a->most, a->ret_number)) \
    X(find_objects_final, STEP, ()) \
    X(encrypt_init, INIT, (, a->mechanism, a->key)) \
    X(encrypt, LATE | STEP | OUT | PLAIN, (, INS, OUTS)) \
    X(encrypt_update, STEP | OUT | PLAIN, (, INS, OUTS)) \
    X(encrypt_final, LATE | STEP | OUT | PLAIN, (, OUTS)) \
    X(decrypt_init, INIT, (, a->mechanism, a->key)) \
    X(decrypt, LATE | STEP | OUT | CIPHER, (, INS, OUTS)) \
    X(decrypt_update, STEP | OUT | CIPHER, (, INS, OUTS)) \
    X(decrypt_final, LATE | STEP | OUT | CIPHER, (, OUTS)) \
    X(digest_init, INIT, (, a->mechanism)) \
    X(digest, STEP | OUT | PLAIN, (, INS, OUTS)) \
    X(digest_update, STEP | PLAIN, (, INS)) \
    X(digest_key, STEP | KEY, (, a->key)) \
    X(digest_final, STEP | OUT, (, OUTS)) \
    X(sign_init, INIT, (, a->mechanism, a->key)) \
    X(sign, LATE | STEP | OUT | PLAIN, (, INS, OUTS)) \
    X(sign_update, STEP | PLAIN, (, INS)) \
    X(sign_final, LATE | STEP | OUT | PLAIN, (, OUTS)) \
    X(sign_recover_init, INIT, (, a->mechanism, a->key)) \
    X(sign_recover, STEP | OUT | PLAIN, (, INS, OUTS)) \
    X(verify_init, INIT, (, a->mechanism, a->key)) \
    X(verify, LATE | STEP | PLAIN | SIGNATURE, (, INS, MORE)) \
    X(verify_update, STEP | PLAIN, (, INS)) \
    X(verify_final, LATE | STEP | PLAIN | SIGNATURE, (, MORE)) \
    X(verify_recover_init, INIT, (, a->mechanism, a->key)) \
    X(verify_recover, STEP | OUT | PLAIN | SIGNATURE, (, INS, OUTS)) \
    X(digest_encrypt_update, STEP | OUT | PLAIN, (, INS, OUTS)) \
    X(decrypt_digest_update, STEP | OUT | CIPHER, (, INS, OUTS)) \
    X(sign_encrypt_update, STEP | OUT | PLAIN, (, INS, OUTS)) \
    X(decrypt_verify_update, STEP | OUT | CIPHER, (, INS, OUTS)) \
    X(generate_key, MECHANISM | MAKING, (, a->mechanism, TEMPLATE, a->ret_made[0])) \
    X(generate_key_pair, MECHANISM | MAKING, (, a->mechanism, TEMPLATE, READ, a->ret_made[0], a->ret_made[1])) \
    X(wrap_key, MECHANISM | WRAPPING | KEY | OUT, (, a->mechanism, a->key, a->other_key, OUTS)) \
    X(unwrap_key, MECHANISM | UNWRAPPING | MAKING, (, a->mechanism, a->key, INS, TEMPLATE, a->ret_made[0])) \
    X(derive_key, MECHANISM | MAKING | KEY, (, a->mechanism, a->key, TEMPLATE, a->ret_made[0])) \
    X(seed_random, RANDOM, (, INS)) \
    X(generate_random, RANDOM, (, a->out.data, a->out.data == NULL ? a->most : a->out.room)) \
    X(get_function_status, LEGACY, ()) \
    X(cancel_function, LEGACY, ()) \
    X(login_user, LOGIN, (, a->flags, INS, MORE)) \
    X(session_cancel, CANCEL, (, a->flags)) \
    X(message_encrypt_init, INIT, (, a->mechanism, a->key)) \
    X(encrypt_message, MESSAGE | STEP | OUT | PLAIN | MECHANISM, (, PARAMETER, MORE, INS, OUTS)) \
    X(encrypt_message_begin, MESSAGE | STEP | MECHANISM | INIT, (, PARAMETER, MORE)) \
    X(encrypt_message_next, MESSAGE | STEP | OUT | PLAIN | MECHANISM, (, PARAMETER, INS, OUTS, a->flags)) \
    X(message_encrypt_final, STEP | INIT, ()) \
    X(message_decrypt_init, INIT, (, a->mechanism, a->key)) \
    X(decrypt_message, MESSAGE | STEP | OUT | CIPHER | MECHANISM, (, PARAMETER, MORE, INS, OUTS)) \
    X(decrypt_message_begin, MESSAGE | STEP | MECHANISM | INIT, (, PARAMETER, MORE)) \
    X(decrypt_message_next, MESSAGE | STEP | OUT | CIPHER | MECHANISM, (, PARAMETER, INS, OUTS, a->flags)) \
    X(message_decrypt_final, STEP | INIT, ()) \
    X(message_sign_init, INIT | REFUSAL, (, a->mechanism, a->key)) \
    X(sign_message, STEP | REFUSAL, (, PARAMETER, INS, OUTS)) \
    X(sign_message_begin, STEP | REFUSAL, (, PARAMETER)) \
    X(sign_message_next, STEP | REFUSAL, (, PARAMETER, INS, OUTS)) \
    X(message_sign_final, STEP | REFUSAL, ()) \
    X(message_verify_init, INIT | REFUSAL, (, a->mechanism, a->key)) \
    X(verify_message, STEP | REFUSAL, (, PARAMETER, INS, MORE)) \
    X(verify_message_begin, STEP | REFUSAL, (, PARAMETER)) \
    X(verify_message_next, STEP | REFUSAL, (, PARAMETER, INS, MORE)) \
    X(message_verify_final, STEP | REFUSAL, ())

/* In this order; a function without a row does not compile, for it would have no CALL_ of its name. */
#define NUMBER(verb, codes, arguments) CALL_##verb,
#define IS_NUMBERED(name, verb, parameters, arguments) CALL_##verb,
#define CODES(verb, codes, arguments) [CALL_##verb] = {"C_" #verb, EVERY | (codes)},
#define CASE(verb, codes, arguments) \
    case CALL_##verb: \
        return ops->verb == NULL ? CKR_FUNCTION_NOT_SUPPORTED : ops->verb(a->session UNBRACKET arguments);
#define HAS(verb, codes, arguments) [CALL_##verb] = ops->verb != NULL,

enum call { EACH_CALL(NUMBER) CALLS };

static const enum call every_function[] = {EACH_SESSION_FUNCTION(IS_NUMBERED) EACH_SESSION_FUNCTION_OF_3_0(IS_NUMBERED)};

static const struct row {
    const char *name;
    unsigned groups;
} rows[CALLS] = {EACH_CALL(CODES)};

static CK_RV make(enum call call, const struct token_ops *ops, struct arguments *a)
{
    switch (call) {
    EACH_CALL(CASE)
    case CALLS:
        break;
    }
    return CKR_GENERAL_ERROR;
}
/* clang-format on */

static _Atomic unsigned long called[CALLS], succeeded[CALLS];

static bool may_answer(enum call call, CK_RV rv)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        for (size_t k = 0; (rows[call].groups & 1u << i) != 0 && k < groups[i].count; k++) {
            if (groups[i].codes[k] == rv) {
                return true;
            }
        }
    }
    return false;
}

/* What was in its place is destroyed, or the token would fill up. */
static void keep(struct caller *caller, const struct arguments *a, CK_OBJECT_HANDLE made)
{
    struct world *world = caller->world;
    CK_OBJECT_HANDLE old = atomic_exchange(&world->objects[pick(caller, OBJECTS)], made);

    if (old != 0) {
        world->token->ops->destroy_object(a->session, old);
    }
}

/* The codes; what was made stays for a while. */
static CK_RV make_and_judge(struct caller *caller, enum call call, struct arguments *a)
{
    CK_RV rv;

    caller->name = rows[call].name;
    rv = make(call, caller->world->token->ops, a);
    atomic_fetch_add(&called[call], 1);
    atomic_fetch_add(&succeeded[call], rv == CKR_OK);
    if (rv != CKR_FUNCTION_NOT_SUPPORTED && !may_answer(call, rv)) {
        fail(caller, "answers 0x%lx", rv);
    }
    arguments_check(caller, a, rv);
    for (int i = 0; i < 2; i++) {
        if (a->made[i] != 0) {
            keep(caller, a, a->made[i]);
        }
    }
    return rv;
}

/* What was wrapped is unwrapped: without a purpose that would seldom be the next call with this mechanism. */
static void unwrap_again(struct caller *caller, const struct arguments *wrapped)
{
    struct world *world = caller->world;
    struct arguments a;

    arguments_new(caller, &a);
    a.template.list = a.template.memory;
    a.template.count = a.template.count > KEY_ATTRIBUTES ? KEY_ATTRIBUTES : a.template.count;
    a.mechanism = wrapped->mechanism;
    a.key = wrapped->key == world->keys[0] ? world->keys[1] : wrapped->key;
    free(a.in.memory);
    a.in = input_kept(caller);
    make_and_judge(caller, CALL_unwrap_key, &a);
    arguments_free(&a);
}

/* Half of all calls are the ones that keep operations going. */
static enum call choose(struct caller *caller)
{
    static const enum call often[] = {
        CALL_create_object, CALL_create_object, CALL_generate_key, CALL_unwrap_key,  CALL_wrap_key,
        CALL_encrypt_init,  CALL_decrypt_init,  CALL_sign_init,    CALL_verify_init, CALL_digest_init,
        CALL_encrypt,       CALL_decrypt,       CALL_sign,         CALL_verify,      CALL_digest};

    return one_in(caller, 2) ? PICK(caller, often) : (enum call)pick(caller, CALLS);
}

static void reopen(struct caller *caller)
{
    const struct token_ops *ops = caller->world->token->ops;

    caller->name = "C_CloseSession";
    caller->last = NULL;
    if (ops->close_session(caller->own) != CKR_OK ||
        ops->open_session(caller->world->token, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                          &caller->own) != CKR_OK) {
        fail(caller, "no other session");
    }
}

/* A KEK of the service, and a mechanism of its type. */
static void make_wrapping_likely(struct caller *caller, struct arguments *a)
{
    a->key = caller->world->keys[0];
    a->other_key = atomic_load(&caller->world->objects[pick(caller, OBJECTS)]);
    for (int i = 0; i < 40 && a->mechanism_memory.mechanism > CKM_RSA_PKCS_OAEP; i++) {
        free(a->parameter_memory);
        mechanism_new(caller, a);
    }
}

/* A key that lives here, and the one mechanism of messages. */
static void make_messages_likely(struct caller *caller, struct arguments *a)
{
    a->key = atomic_load(&caller->world->objects[pick(caller, OBJECTS)]);
    a->mechanism_memory.mechanism = CKM_AES_GCM;
}

void random_call(struct caller *caller)
{
    enum call call = choose(caller);
    struct arguments a;

    if (one_in(caller, 100)) {
        reopen(caller);
    }
    arguments_new(caller, &a);
    if (call == CALL_wrap_key && one_in(caller, 2)) {
        make_wrapping_likely(caller, &a);
    }
    if ((call == CALL_message_encrypt_init || call == CALL_message_decrypt_init) && one_in(caller, 2)) {
        make_messages_likely(caller, &a);
    }
    if (make_and_judge(caller, call, &a) == CKR_OK && call == CALL_wrap_key && a.out.data != NULL) {
        unwrap_again(caller, &a);
    }
    arguments_free(&a);
}

void check_all_called(const struct caller *caller)
{
    const struct token_ops *ops = caller->world->token->ops;
    /* clang-format off */
    const bool has[CALLS] = {EACH_CALL(HAS)};
    /* clang-format on */

    for (size_t i = 0; i < sizeof every_function / sizeof every_function[0]; i++) {
        enum call call = every_function[i];

        if (called[call] == 0) {
            fail(caller, "%s was never called", rows[call].name);
        }
        if (has[call] && (rows[call].groups & (RANDOM | LEGACY)) == 0 && succeeded[call] == 0) {
            printf("# %s: %lu calls, none succeeded\n", rows[call].name, called[call]);
        }
    }
}
