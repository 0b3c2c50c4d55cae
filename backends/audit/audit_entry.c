/* One line of a file of records, read back. */
#include "backends/audit/audit_entry.h"
#include "backends/audit/audit_read.h"
#include "backends/audit/audit_record.h"
#include <string.h>

static const double largest_whole = 9007199254740992.0;

/* It ends with the line, so what is left of others stands before it. Inside a text no quote is bare. */
static const unsigned char *last_start(struct bytes line)
{
    const unsigned char *at = line.data, *end = line.data + line.size, *found = NULL, *next;

    while ((next = memmem(at, (size_t)(end - at), AUDIT_RECORD_START, strlen(AUDIT_RECORD_START))) != NULL) {
        found = next;
        at = next + 1;
    }
    return found;
}

static cJSON *parse(struct bytes text)
{
    const char *end = NULL;
    cJSON *object;

    if (text.data[text.size - 1] != '}' || memchr(text.data, 0, text.size) != NULL) {
        return NULL;
    }
    object = cJSON_ParseWithLengthOpts((const char *)text.data, text.size, &end, false);
    if (object != NULL && end == (const char *)text.data + text.size && cJSON_IsObject(object)) {
        return object;
    }
    cJSON_Delete(object);
    return NULL;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(member) ? member->valuestring : "";
}

static int64_t number_of(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(member) && member->valuedouble >= 0 && member->valuedouble < largest_whole
               ? (int64_t)member->valuedouble
               : 0;
}

static struct audit_entry entry_of(cJSON *object)
{
    return (struct audit_entry){
        .object = object,
        .time = text_of(object, "time"),
        .host = text_of(object, "host"),
        .program = text_of(object, "program"),
        .event = text_of(object, "event"),
        .chain = text_of(object, "chain"),
        .previous = text_of(object, "previous"),
        .token = text_of(object, "token"),
        .key = text_of(object, "key"),
        .operation = text_of(object, "operation"),
        .result = text_of(object, "result"),
        .reason = text_of(object, "reason"),
        .version = text_of(object, "version"),
        .process = number_of(object, "pid"),
        .sequence = number_of(object, "sequence"),
        .count = (uint64_t)number_of(object, "count"),
    };
}

static bool is_complete(const struct audit_entry *entry)
{
    size_t chain = strlen(entry->chain), previous = strlen(entry->previous);

    return entry->event[0] != 0 && chain != 0 && chain < AUDIT_CHAIN_SIZE && entry->sequence > 0 &&
           (previous == 0 || previous == AUDIT_HASH_SIZE - 1);
}

bool audit_entry_read(struct bytes line, struct audit_entry *ret_entry)
{
    const unsigned char *start = line.size == 0 ? NULL : last_start(line);
    struct bytes record;
    cJSON *object;

    if (start == NULL) {
        return false;
    }
    record = bytes_of(start, (size_t)(line.data + line.size - start));
    object = parse(record);
    if (object == NULL) {
        return false;
    }
    *ret_entry = entry_of(object);
    ret_entry->record = record;
    ret_entry->is_alone = memchr(line.data, '{', (size_t)(start - line.data)) == NULL;
    if (!is_complete(ret_entry)) {
        audit_entry_done(ret_entry);
        return false;
    }
    return true;
}

void audit_entry_done(struct audit_entry *entry)
{
    cJSON_Delete(entry->object);
    entry->object = NULL;
}
