/* The delaying proxy, over a server that gives back what it is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/delay.h"
#include <cmocka.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROUND_TRIP = 60, SLACK = 400 /* ms: others use this machine too */, LARGE = 3 * 1024 * 1024 };

static struct delay far_away;
static int listener;

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void *echo(void *fd)
{
    char data[4096];
    ssize_t size;

    while ((size = read((int)(intptr_t)fd, data, sizeof data)) > 0) {
        for (ssize_t sent = 0, part; sent < size; sent += part) {
            part = send((int)(intptr_t)fd, data + sent, (size_t)(size - sent), MSG_NOSIGNAL);
            if (part <= 0) {
                break;
            }
        }
    }
    close((int)(intptr_t)fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    pthread_t thread;
    int fd;

    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        if (pthread_create(&thread, NULL, echo, (void *)(intptr_t)fd) == 0) {
            pthread_detach(thread);
        }
    }
    return arg;
}

static int start(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;

    (void)state;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        !delay_start(ntohs(address.sin_port), ROUND_TRIP, &far_away)) {
        return -1;
    }
    return pthread_create(&thread, NULL, accept_all, NULL) == 0 ? pthread_detach(thread) : -1;
}

static int end(void **state)
{
    (void)state;
    delay_end(&far_away);
    return 0;
}

static int call(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)far_away.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void read_all(int fd, char *data, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t part = read(fd, data + got, size - got);

        assert_true(part > 0);
        got += (size_t)part;
    }
}

static void say(int fd, const char *word)
{
    assert_int_equal(send(fd, word, strlen(word), MSG_NOSIGNAL), (ssize_t)strlen(word));
}

/* Milliseconds from a word to its echo. */
static double ask(int fd, const char *word)
{
    char answer[64] = "";
    double asked = now_ms();

    say(fd, word);
    read_all(fd, answer, strlen(word));
    assert_string_equal(answer, word);
    return now_ms() - asked;
}

static void test_round_trip(void **state)
{
    int fd = call();
    double took;

    (void)state;
    ask(fd, "hello");
    took = ask(fd, "again");
    assert_true(took >= ROUND_TRIP && took < ROUND_TRIP + SLACK);
    close(fd);
}

static void test_connecting_costs_a_round_trip(void **state)
{
    int fd = call();
    double took = ask(fd, "hello");

    (void)state;
    assert_true(took >= 2 * ROUND_TRIP && took < 2 * ROUND_TRIP + SLACK);
    close(fd);
}

/* Ten words, one each 5 ms, are all on their way at once: one after the other they would take 600 ms. */
static void test_words_follow_each_other(void **state)
{
    const struct timespec moment = {0, 5 * 1000 * 1000};
    char answer[41] = "";
    int fd = call();
    double began;

    (void)state;
    ask(fd, "hello");
    began = now_ms();
    for (int i = 0; i < 10; i++) {
        char word[] = {'w', 'o', 'r', (char)('0' + i), 0};

        say(fd, word);
        nanosleep(&moment, NULL);
    }
    read_all(fd, answer, 40);
    assert_string_equal(answer, "wor0wor1wor2wor3wor4wor5wor6wor7wor8wor9");
    assert_true(now_ms() - began < 10 * ROUND_TRIP);
    close(fd);
}

static void *send_large(void *arg)
{
    const int *fd = arg;
    uint32_t *data = malloc(LARGE);

    for (uint32_t i = 0; i < LARGE / 4; i++) {
        data[i] = i;
    }
    for (size_t sent = 0; sent < LARGE;) {
        ssize_t part = send(*fd, (char *)data + sent, LARGE - sent, MSG_NOSIGNAL);

        sent = part <= 0 ? LARGE : sent + (size_t)part;
    }
    free(data);
    return NULL;
}

static void test_large_data_is_whole_and_in_order(void **state)
{
    char *data = malloc(LARGE);
    int fd = call();
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, send_large, &fd), 0);
    read_all(fd, data, LARGE);
    pthread_join(thread, NULL);
    for (uint32_t i = 0; i < LARGE / 4; i++) {
        assert_memory_equal(data + (size_t)i * 4, &i, 4);
    }
    free(data);
    close(fd);
}

static void test_an_end_arrives_behind_the_data(void **state)
{
    char answer[6] = "", more;
    int fd = call();

    (void)state;
    say(fd, "last.");
    shutdown(fd, SHUT_WR);
    read_all(fd, answer, 5);
    assert_string_equal(answer, "last.");
    assert_int_equal(read(fd, &more, 1), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_connecting_costs_a_round_trip),
        cmocka_unit_test(test_words_follow_each_other),
        cmocka_unit_test(test_large_data_is_whole_and_in_order),
        cmocka_unit_test(test_an_end_arrives_behind_the_data),
    };

    return cmocka_run_group_tests_name("bench/delay", tests, start, end);
}
