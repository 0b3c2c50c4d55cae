/* The attributes of keys that live here: which class has which, and how each is read from a template. */
#ifndef BYOK_PKCS11_SOFT_LOCAL_TEMPLATE_H
#define BYOK_PKCS11_SOFT_LOCAL_TEMPLATE_H

#include "pkcs11/soft/local_key.h"

struct local_attribute {
    CK_ATTRIBUTE_TYPE type;
    unsigned classes;
    CK_RV (*read)(struct local_key *key, const CK_ATTRIBUTE *from); /* NULL: it is the flag */
    unsigned flag;                                                  /* answered by it; 0: by other means */
};

/* NULL: keys of this class have no such attribute. */
const struct local_attribute *local_attribute_of(CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE type);

#endif
