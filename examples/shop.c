/*
 * shop.c - a first program with Tuff: a table, a transaction, prepared statements, a question.
 *
 *     cc shop.c $(pkg-config --cflags --libs tuff) -o shop && ./shop [FILE]
 *
 * Without a file the database lives in memory. The tests compile and run this program.
 */
#include <stdio.h>
#include <tuff.h>

/* Prints what went wrong on the connection; returns 1 for main. */
static int failed(tuff_conn *conn, const char *what)
{
    const tuff_error *error = tuff_conn_error(conn);
    (void)fprintf(stderr, "%s: %s (SQLSTATE %s)\n", what, error->message, error->sqlstate);
    if (error->hint[0])
        (void)fprintf(stderr, "hint: %s\n", error->hint);
    return 1;
}

/* Adds rows with one prepared statement, all or none. */
static int fill(tuff_conn *conn)
{
    static const struct {
        const char *name;
        const char *price;
        int stock;
    } goods[] = {{"basalt", "12.50", 4}, {"pumice", "3.20", 120}, {"obsidian", "99.00", 1}};
    tuff_stmt *insert;
    if (tuff_prepare(conn, "INSERT INTO goods (name, price, stock) VALUES (:name, :price, :stock)",
                     -1, &insert, NULL))
        return failed(conn, "prepare");
    if (tuff_begin(conn, TUFF_READ_COMMITTED, false))
        return failed(conn, "begin");
    for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
        tuff_result *result;
        if (tuff_bind_text(insert, 1, goods[i].name, -1) ||
            tuff_bind_decimal(insert, 2, goods[i].price) ||
            tuff_bind_int64(insert, 3, goods[i].stock) || tuff_execute(insert, &result)) {
            int answer = failed(conn, "insert");
            tuff_finalize(insert);
            (void)tuff_rollback(conn);
            return answer;
        }
    }
    tuff_finalize(insert);
    return tuff_commit(conn) ? failed(conn, "commit") : 0;
}

static int ask(tuff_conn *conn)
{
    tuff_result *result;
    if (tuff_query(conn,
                   "SELECT name, price * stock AS worth FROM goods WHERE stock > 1 "
                   "ORDER BY worth DESC",
                   &result))
        return failed(conn, "query");
    tuff_status status;
    while ((status = tuff_next(result)) == TUFF_ROW)
        printf("%-10s %10s\n", tuff_get_text(result, 0, NULL), tuff_get_text(result, 1, NULL));
    tuff_result_close(result);
    return status == TUFF_DONE ? 0 : failed(conn, "next");
}

int main(int argc, char **argv)
{
    tuff_db *db;
    tuff_conn *conn;
    if (tuff_open(argc > 1 ? argv[1] : "memory://", &db)) {
        (void)fprintf(stderr, "open: %s\n", db ? tuff_db_error(db)->message : "out of memory");
        (void)tuff_close(db);
        return 1;
    }
    int answer = 1;
    if (tuff_connect(db, &conn) == TUFF_OK) {
        answer = tuff_exec(conn,
                           "CREATE TABLE IF NOT EXISTS goods (id INTEGER PRIMARY KEY, "
                           "name TEXT NOT NULL UNIQUE, price DECIMAL(10,2) NOT NULL, "
                           "stock INTEGER NOT NULL DEFAULT 0 CHECK (stock >= 0)); "
                           "DELETE FROM goods",
                           NULL)
                     ? failed(conn, "create")
                     : 0;
        if (!answer)
            answer = fill(conn);
        if (!answer)
            answer = ask(conn);
        tuff_disconnect(conn);
    }
    return tuff_close(db) == TUFF_OK ? answer : 1;
}
