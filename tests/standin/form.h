/* Fields of an application/x-www-form-urlencoded body. */
#ifndef STANDIN_FORM_H
#define STANDIN_FORM_H

/* Unescaped, from malloc; NULL: not there. */
char *form_field(const char *form, const char *name);

#endif
