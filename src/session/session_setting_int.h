/*
 * session_setting_int.h - settings as rows: what SET, SHOW, PRAGMA and tuff_settings know.
 */
#ifndef SESSION_SESSION_SETTING_INT_H
#define SESSION_SESSION_SETTING_INT_H

#include "session/session_int.h"

typedef struct session_setting {
    const char *name;  /* lower case */
    const char *alias; /* of another system; NULL: none */
    const char *description;
    void (*show)(const session_connection *connection, base_buffer *out);
    /* `value` NULL: back to the default. NULL function: read-only. */
    base_status (*set)(session_connection *connection, const base_text *value, base_error *error);
} session_setting;

const session_setting *session_setting_at(uint32_t index); /* NULL past the end */
const session_setting *session_setting_find(base_text name);
/* Sets BASE_UNDEFINED_OBJECT with the nearest name as hint. */
base_status session_setting_unknown(base_text name, int32_t position, const char *kind,
                                    base_error *error);

#endif
