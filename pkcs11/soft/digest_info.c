/* The DigestInfo of RSASSA-PKCS1-v1_5. */
#include "pkcs11/soft/digest_info.h"
#include <string.h>

enum { PREFIX_SIZE = 19 };

/* RFC 8017, 9.2, note 1: SEQUENCE { SEQUENCE { id-sha..., NULL }, OCTET STRING }, up to the digest. */
static const struct info {
    enum hash hash;
    unsigned char prefix[PREFIX_SIZE];
} infos[] = {
    {HASH_SHA256,
     {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
      0x04, 0x20}},
    {HASH_SHA384,
     {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00,
      0x04, 0x30}},
    {HASH_SHA512,
     {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00,
      0x04, 0x40}},
};

CK_RV digest_info_read(struct bytes data, enum hash *ret_hash, struct bytes *ret_digest)
{
    for (size_t i = 0; i < sizeof infos / sizeof infos[0]; i++) {
        if (data.size != PREFIX_SIZE + hash_size(infos[i].hash)) {
            continue;
        }
        if (memcmp(data.data, infos[i].prefix, PREFIX_SIZE) != 0) {
            return CKR_DATA_INVALID;
        }
        *ret_hash = infos[i].hash;
        *ret_digest = bytes_of(data.data + PREFIX_SIZE, data.size - PREFIX_SIZE);
        return CKR_OK;
    }
    return CKR_DATA_LEN_RANGE;
}
