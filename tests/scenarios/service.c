/*
 * A small service that keeps its data encrypted at rest, under a root key which its customer's key wraps:
 *
 *     service FOLDER       commands on standard input, a line each; for each a line of answer
 *
 *   keys URI           what keys there are in a token
 *   use URI [URI]      the customer's key (RFC 7512: pkcs11:token=vault;object=kek); the first time it wraps a
 *                      new root key, later it opens the root key that lies in the folder. The second URI
 *                      is an outer key, which wraps what the first has wrapped
 *   put NAME TEXT      encrypts the text into FOLDER/NAME.sealed
 *   get NAME           decrypts it
 *   rewrap             the root key is wrapped again, by the newest version of the customer's key
 *   move URI [URI]     all data is encrypted again, under another customer's key; the old one is not needed
 *                      any more
 *   status             which version of the customer's key is in use
 *
 * "ok ...", or "error" with the PKCS#11 function that failed and its code, or with words. The service keeps
 * running whatever fails, and never looks for the cause: a command that failed may be given again.
 */
#include "tests/built_module.h"
#include "tests/scenarios/folder.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char root_name[] = "root-key", wrapped[] = ".wrapped", sealed[] = ".sealed", moved[] = ".moved";

struct service {
    const char *folder;
    struct root_key root;
};

/* --- Answers --- */

__attribute__((format(printf, 1, 2))) static void answer(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* True: there is nothing to tell. */
static bool went_well(CK_RV rv)
{
    if (rv != CKR_OK) {
        answer("error %s %s", asked, code_name(rv));
    }
    return rv == CKR_OK;
}

static bool is_open(const struct service *service)
{
    bool open = service->root.kek.session != 0;

    if (!open) {
        answer("error no customer's key is in use");
    }
    return open;
}

/* --- The customer's key --- */

static CK_RV find_keys(const char *uri, const char *outer_uri, struct root_key *root)
{
    CK_RV rv = customer_key_find(uri, &root->kek);

    return rv == CKR_OK && outer_uri != NULL ? customer_key_find(outer_uri, &root->outer) : rv;
}

/* The root key that is there already, or the first one. */
static CK_RV open_or_make(struct service *service, struct root_key *root)
{
    struct blob blob = {.size = BLOB_MOST};
    CK_RV rv;

    if (folder_read(service->folder, root_name, wrapped, blob.bytes, &blob.size)) {
        return root_key_open(root, &blob);
    }
    rv = root_key_make(root, &blob);
    if (rv == CKR_OK && !folder_write(service->folder, root_name, wrapped, blob.bytes, blob.size)) {
        asked = "root-key.wrapped";
        rv = CKR_FUNCTION_FAILED;
    }
    return rv;
}

static void use(struct service *service, char *uri, char *outer_uri)
{
    struct root_key root = {0};
    CK_RV rv = find_keys(uri, outer_uri, &root);

    if (rv == CKR_OK) {
        rv = open_or_make(service, &root);
    }
    if (!went_well(rv)) {
        root_key_close(&root);
        return;
    }
    root_key_close(&service->root);
    service->root = root;
    answer("ok");
}

static void rewrap(struct service *service, char *none, char *nothing)
{
    struct blob blob;

    (void)none, (void)nothing;
    if (!is_open(service) || !went_well(root_key_wrap_again(&service->root, &blob))) {
        return;
    }
    answer(folder_write(service->folder, root_name, wrapped, blob.bytes, blob.size)
               ? "ok"
               : "error root-key.wrapped cannot be written");
}

static void status(struct service *service, char *none, char *nothing)
{
    struct root_key *root = &service->root;
    char version[40];

    (void)none, (void)nothing;
    if (is_open(service)) {
        key_version(root->kek.session, root->kek.private, version);
        answer("ok in-use=%s", version);
    }
}

static void keys(struct service *service, char *uri, char *nothing)
{
    char labels[4096];

    (void)service, (void)nothing;
    if (went_well(token_keys(uri, labels, sizeof labels))) {
        answer("ok%s", labels);
    }
}

/* --- Data --- */

static CK_BYTE plain[DATA_MOST], data[IV_SIZE + DATA_MOST + TAG_SIZE];

static CK_RV seal(struct service *service, struct root_key *root, const char *name, CK_ULONG size,
                  const char *ending)
{
    CK_ULONG sealed_size = sizeof data;
    CK_RV rv = root_key_encrypt(root, name, plain, size, data, &sealed_size);

    if (rv == CKR_OK && !folder_write(service->folder, name, ending, data, sealed_size)) {
        asked = name;
        rv = CKR_FUNCTION_FAILED;
    }
    return rv;
}

static CK_RV unseal(struct service *service, const char *name, CK_ULONG *ret_size)
{
    CK_ULONG sealed_size = sizeof data;

    *ret_size = sizeof plain;
    if (!folder_read(service->folder, name, sealed, data, &sealed_size)) {
        asked = name;
        return CKR_FUNCTION_FAILED;
    }
    return root_key_decrypt(&service->root, name, data, sealed_size, plain, ret_size);
}

static void put(struct service *service, char *name, char *text)
{
    size_t size = strlen(text);

    if (is_open(service)) {
        memcpy(plain, text, size); /* shorter than a line, which is shorter than `plain` */
        if (went_well(seal(service, &service->root, name, size, sealed))) {
            answer("ok");
        }
    }
}

static void get(struct service *service, char *name, char *nothing)
{
    CK_ULONG size;

    (void)nothing;
    if (is_open(service) && went_well(unseal(service, name, &size))) {
        answer("ok %.*s", (int)size, (const char *)plain);
    }
}

/* --- All of it to another customer's key --- */

struct move {
    struct service *service;
    struct root_key *to;
    CK_RV rv;
};

static bool move_one(void *arg, const char *name)
{
    struct move *move = arg;
    CK_ULONG size;

    move->rv = unseal(move->service, name, &size);
    if (move->rv == CKR_OK) {
        move->rv = seal(move->service, move->to, name, size, moved);
    }
    return move->rv == CKR_OK;
}

static bool put_in_place(void *arg, const char *name)
{
    return folder_rename(arg, name, moved, sealed);
}

/* Beside the old data first: until all of it could be read nothing is lost. */
static CK_RV move_to(struct service *service, struct root_key *to)
{
    struct move move = {service, to, CKR_OK};
    char folder[4096];
    struct blob blob;
    CK_RV rv = root_key_make(to, &blob);

    if (rv != CKR_OK || (folder_each(service->folder, sealed, move_one, &move), move.rv != CKR_OK)) {
        return rv != CKR_OK ? rv : move.rv;
    }
    snprintf(folder, sizeof folder, "%s", service->folder);
    asked = "move";
    return folder_each(folder, moved, put_in_place, folder) &&
                   folder_write(folder, root_name, wrapped, blob.bytes, blob.size)
               ? CKR_OK
               : CKR_FUNCTION_FAILED;
}

static void move(struct service *service, char *uri, char *outer_uri)
{
    struct root_key root = {0};
    CK_RV rv;

    if (!is_open(service)) {
        return;
    }
    rv = find_keys(uri, outer_uri, &root);
    if (!went_well(rv == CKR_OK ? move_to(service, &root) : rv)) {
        root_key_close(&root);
        return;
    }
    root_key_close(&service->root);
    service->root = root;
    answer("ok");
}

/* --- The protocol --- */

static const struct command {
    const char *name;
    void (*run)(struct service *service, char *first, char *second);
    int least; /* words that it needs */
    bool names_data;
} commands[] = {
    {"keys", keys, 1, false},     {"use", use, 1, false},       {"put", put, 2, true},
    {"get", get, 1, true},        {"rewrap", rewrap, 0, false}, {"move", move, 1, false},
    {"status", status, 0, false},
};

static void obey(struct service *service, char *line)
{
    char *rest = line, *name = strsep(&rest, " "), *second = rest, *first = strsep(&second, " ");
    int words = first == NULL ? 0 : second == NULL ? 1 : 2;

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *command = &commands[i];

        if (strcmp(command->name, name) != 0) {
            continue;
        }
        if (words < command->least || (command->names_data && !name_good(first))) {
            answer("error %s is not used like that", name);
        } else {
            command->run(service, first, second);
        }
        return;
    }
    answer("error there is no command %s", name);
}

int main(int count, char **words)
{
    static char line[DATA_MOST];
    struct service service = {.folder = words[1]};

    if (count != 2) {
        fprintf(stderr, "usage: service FOLDER\n");
        return 2;
    }
    umask(077);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!module_open()) {
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        obey(&service, line);
    }
    root_key_close(&service.root);
    (void)p11->C_Finalize(NULL);
    let_threads_end();
    return 0;
}
