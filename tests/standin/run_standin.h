/*
 * The stand-in vault for a test program: started in a folder of its own under $TMPDIR, told what to do over
 * its control port, and gone with the program whatever happens to it. Any test may link this; it needs
 * libcurl.
 */
#ifndef STANDIN_RUN_STANDIN_H
#define STANDIN_RUN_STANDIN_H

#include <stdbool.h>
#include <sys/types.h>

struct standin_process {
    pid_t pid;
    char *dir; /* also for files of the test: removed with all that is in it */
    char *vault_url, *mhsm_url, *vault_ca, *identity_url, *control_url;
    char *tenant_id, *client_id, *client_secret_file;
    /* What else standin.env tells (main.c). */
    char *client_certificate_file, *client_certificate_p12, *federated_token_file;
    char *imds_url, *app_service_endpoint, *app_service_header, *arc_endpoint, *arc_dir;
    char *system_id_client_id, *managed_id_client_id, *managed_id_object_id, *managed_id_resource_id;
};

/* Waits until it can be used. False: it did not start; the reason is on stderr. */
bool standin_run(struct standin_process *ret_process);
/* Ends it and removes its folder. False: it had failed, as a sanitizer's report makes it. */
bool standin_end(struct standin_process *process);

/*
 * A call of the control port (control.h). body: JSON or NULL.
 * The answer, from malloc; NULL: it was refused.
 */
char *standin_control(const struct standin_process *process, const char *method, const char *path,
                      const char *body);
/*
 * A number of GET /counts: "unwrapkey", "token",
 * "vault" (connections), ...; -1: there is none of that name.
 */
long standin_count(const struct standin_process *process, const char *name);

#endif
