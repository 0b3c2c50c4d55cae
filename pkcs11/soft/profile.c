/* The profile object. */
#include "pkcs11/soft/profile.h"

struct attribute_value profile_attribute(CK_ATTRIBUTE_TYPE type)
{
    switch (type) {
    case CKA_CLASS:
        return attribute_number(CKO_PROFILE);
    case CKA_PROFILE_ID:
        return attribute_number(CKP_BASELINE_PROVIDER);
    case CKA_TOKEN:
        return attribute_flag(true);
    case CKA_PRIVATE:
    case CKA_MODIFIABLE:
    case CKA_COPYABLE:
    case CKA_DESTROYABLE:
        return attribute_flag(false);
    case CKA_UNIQUE_ID:
        return attribute_bytes(bytes_of_text("profile"));
    default:
        return (struct attribute_value){.form = ATTRIBUTE_ABSENT};
    }
}
