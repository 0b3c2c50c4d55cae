/* The service's folder: NAME.sealed for each piece of data, and beside them root-key.wrapped. */
#ifndef BYOK_TESTS_SCENARIOS_FOLDER_H
#define BYOK_TESTS_SCENARIOS_FOLDER_H

#include "tests/scenarios/root_key.h"

enum { NAME_SIZE = 64 };

/* Letters, digits and dashes, and nothing that is no file name. */
bool name_good(const char *name);

/* Sizes: room on the way in, what there is on the way out. False: it is not there, or it cannot be done. */
bool folder_read(const char *folder, const char *name, const char *ending, CK_BYTE *ret_data, CK_ULONG *size);
/* All or nothing. */
bool folder_write(const char *folder, const char *name, const char *ending, const CK_BYTE *data,
                  CK_ULONG size);
/* What ended in `from` ends in `to` now. */
bool folder_rename(const char *folder, const char *name, const char *from, const char *to);

/* For each NAME with that ending. False ends it, and is the result. */
typedef bool folder_visitor(void *arg, const char *name);
bool folder_each(const char *folder, const char *ending, folder_visitor *visit, void *arg);

#endif
