/* The attributes of keys that live here: which class has which, and how each is read and changed. */
#ifndef BYOK_PKCS11_SOFT_LOCAL_TEMPLATE_H
#define BYOK_PKCS11_SOFT_LOCAL_TEMPLATE_H

#include "pkcs11/soft/local_key.h"

/* What C_SetAttributeValue and C_CopyObject may do to it (PKCS#11 2.40, 4.4.1). */
enum attribute_change {
    CHANGE_NEVER,
    CHANGE_FREELY,
    CHANGE_TO_TRUE,
    CHANGE_TO_FALSE,
    CHANGE_IN_COPY, /* by C_CopyObject alone */
    CHANGE_IN_COPY_TO_TRUE
};

struct local_attribute {
    CK_ATTRIBUTE_TYPE type;
    unsigned classes;
    CK_RV (*read)(struct local_key *key, const CK_ATTRIBUTE *from); /* NULL: it is the flag */
    unsigned flag;                                                  /* answered by it; 0: by other means */
    enum attribute_change change;
};

/* NULL: keys of this class have no such attribute. */
const struct local_attribute *local_attribute_of(CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE type);
/* Reads one into a key that nobody else knows yet. */
MUST_USE CK_RV local_attribute_read(const struct local_attribute *row, struct local_key *key,
                                    const CK_ATTRIBUTE *from);

#endif
