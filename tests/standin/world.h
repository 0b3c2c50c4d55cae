/*
 * What is there when the stand-in starts: keys, callers, secrets;
 * and the files that tell its clients of it.
 */
#ifndef STANDIN_WORLD_H
#define STANDIN_WORLD_H

#include "tests/standin/standin.h"

/*
 * Keys and callers. key_cache: a folder, or NULL.
 * Takes neither of the folders, which are absolute and stay.
 */
void world_init(struct standin *standin, const char *vault_name, const char *key_cache);
void world_done(struct standin *standin);

/* Writes all that clients need into `dir` once the servers run; its last file is standin.env (main.c).
 * authority: the CA's certificate, PEM. False: a file could not be written. */
bool world_publish(struct standin *standin, const char *dir, const char *arc_dir, const char *authority);

#endif
