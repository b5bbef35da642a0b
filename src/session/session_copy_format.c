/*
 * session_copy_format.c - rows as lines of CSV.
 *
 * A value is quoted when it has a byte that means something, or reads like NULL; values of any
 * type, as the delimiter may be a digit. It is written first and looked at where it stands, as
 * hardly any needs quotes.
 *
 * Threads: a format may be used by several, each with buffers of its own.
 */
#include "session/session_copy_int.h"

void session_copy_format_init(copy_format *format, const copy_options *options)
{
    *format = (copy_format){.options = options};
    format->special[(unsigned char)options->delimiter] = true;
    format->special['\n'] = format->special['\r'] = true;
    if (options->quote != COPY_NO_QUOTE)
        format->special[(unsigned char)options->quote] = true;
}

static bool needs_quotes(const copy_format *self, const char *bytes, size_t length)
{
    if (base_text_equal((base_text){bytes, length}, self->options->null_text))
        return true;
    for (size_t i = 0; i < length; i++) {
        if (self->special[(unsigned char)bytes[i]])
            return true;
    }
    return false;
}

static base_status append_quoted(const copy_format *self, base_text text, base_buffer *out,
                                 base_error *error)
{
    const copy_options *options = self->options;
    if (options->quote == COPY_NO_QUOTE)
        return base_error_set(error, BASE_BAD_COPY_FORMAT,
                              "a value needs quotes, and QUOTE is empty");
    char quote = (char)options->quote, escape = (char)options->escape;
    base_buffer_append_byte(out, quote);
    for (size_t i = 0; i < text.length; i++) {
        if (options->escape == COPY_NO_QUOTE && text.data[i] == quote)
            return base_error_set(error, BASE_BAD_COPY_FORMAT,
                                  "a value has a quote, and ESCAPE is empty");
        if (options->escape != COPY_NO_QUOTE && (text.data[i] == quote || text.data[i] == escape))
            base_buffer_append_byte(out, escape);
        base_buffer_append_byte(out, text.data[i]);
    }
    base_buffer_append_byte(out, quote);
    return BASE_OK;
}

base_status session_copy_format_text(const copy_format *self, base_text text, base_buffer *out,
                                     base_error *error)
{
    if (needs_quotes(self, text.data, text.length))
        return append_quoted(self, text, out, error);
    base_buffer_append(out, text.data, text.length);
    return BASE_OK;
}

/* What was written from `start` on, once more with quotes. */
static base_status quote_again(const copy_format *self, size_t start, base_buffer *out,
                               base_buffer *scratch, base_error *error)
{
    base_buffer_clear(scratch);
    base_buffer_append(scratch, out->data + start, out->length - start);
    if (scratch->failed)
        return base_error_no_memory(error);
    out->length = start;
    return append_quoted(self, (base_text){scratch->data, scratch->length}, out, error);
}

static base_status append_value(const copy_format *self, const vector *column, uint32_t position,
                                base_buffer *out, base_buffer *scratch, base_error *error)
{
    types_value value = {.type = column->type};
    if (!vector_load(column, position, &value.cell)) {
        base_buffer_append(out, self->options->null_text.data, self->options->null_text.length);
        return BASE_OK;
    }
    if (column->type.kind == TYPES_TEXT || column->type.kind == TYPES_UNKNOWN)
        return session_copy_format_text(
            self, (base_text){types_string_data(&value.cell.string), value.cell.string.length}, out,
            error);
    size_t start = out->length;
    types_format(&value, out);
    if (out->failed)
        return base_error_no_memory(error);
    return needs_quotes(self, out->data + start, out->length - start)
               ? quote_again(self, start, out, scratch, error)
               : BASE_OK;
}

base_status session_copy_format_rows(const copy_format *self, const vector_chunk *rows,
                                     uint32_t *next, size_t enough, base_buffer *out,
                                     base_buffer *scratch, base_error *error)
{
    for (; *next < rows->count && out->length < enough; ++*next) {
        uint32_t position = vector_row(rows->selection, *next);
        for (uint32_t column = 0; column < rows->column_count; column++) {
            if (column)
                base_buffer_append_byte(out, self->options->delimiter);
            RETURN_IF_ERROR(
                append_value(self, &rows->columns[column], position, out, scratch, error));
        }
        base_buffer_append_byte(out, '\n');
    }
    return out->failed ? base_error_no_memory(error) : BASE_OK;
}
