/* C_WrapKey and C_UnwrapKey with an RSA key. */
#include "backends/base/scope.h"
#include "pkcs11/soft/wrap.h"
#include <string.h>

/* While the key's size is not known a short buffer is judged after the request; then it is. */
static CK_RV wrap(const struct wrap_call *call, struct bytes key, CK_BYTE *out, CK_ULONG *out_size)
{
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(LONGEST_BLOB);
    const struct object *kek = call->kek;
    struct rsa_use use = wrap_rsa_use(call, RSA_WRAP, bytes_of(NULL, 0));
    struct service_answer answer = {VERDICT_NONE};
    bool known;
    size_t room = soft_rsa_blob_room(kek, &known);
    CK_RV rv = soft_rsa_check_plain(kek, use.padding, key.size, RSA_WRAP);

    if (rv != CKR_OK || ((known || out == NULL) && !output_fits(out, out_size, room, &rv))) {
        return rv;
    }
    rv = soft_rsa_seal(&use, key, &blob, &answer);
    memcpy(call->trace->version, answer.version, sizeof call->trace->version);
    return rv == CKR_OK ? output_deliver(buffer_bytes(&blob), out, out_size) : rv;
}

static CK_RV unwrap(const struct wrap_call *call, struct bytes blob, struct local_key *ret_key)
{
    struct rsa_use use = wrap_rsa_use(call, RSA_UNWRAP, bytes_of(NULL, 0));
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = soft_rsa_check_blob(call->kek, blob.size, RSA_UNWRAP);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = soft_rsa_open(&use, blob, &ret_key->value->secret, &answer);
    memcpy(call->trace->version, answer.version, sizeof call->trace->version);
    return rv;
}

const struct wrap_way wrap_rsa = {wrap, unwrap};
