/* The stand-in's control port, by curl. Ends the program where the stand-in does not take what it is told. */
#ifndef BYOK_TESTS_FAULTS_CONTROL_H
#define BYOK_TESTS_FAULTS_CONTROL_H

/* The answer is lent until the next call. */
const char *control(const char *method, const char *path, const char *body);
/* The number behind "NAME": in GET /counts; 0 where it is not named. */
long counted(const char *name);

#endif
