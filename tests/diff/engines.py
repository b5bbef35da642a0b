"""The engines that answer the same statements: Tuff, SQLite, DuckDB."""
import ctypes
import sqlite3
import threading


class Tuff:
    """The C interface, as far as a query needs it."""

    ROW = 1

    def __init__(self, library, dsn="memory://"):
        self.lib = lib = ctypes.CDLL(library)
        handle, out = ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)
        for name, result, arguments in (
            ("tuff_open", ctypes.c_int, [ctypes.c_char_p, out]),
            ("tuff_connect", ctypes.c_int, [handle, out]),
            ("tuff_query", ctypes.c_int, [handle, ctypes.c_char_p, out]),
            ("tuff_next", ctypes.c_int, [handle]),
            ("tuff_result_close", None, [handle]),
            ("tuff_column_count", ctypes.c_uint32, [handle]),
            ("tuff_column_type_name", ctypes.c_char_p, [handle, ctypes.c_uint32]),
            ("tuff_is_null", ctypes.c_bool, [handle, ctypes.c_uint32]),
            ("tuff_get_text", ctypes.c_void_p, [handle, ctypes.c_uint32, ctypes.POINTER(ctypes.c_size_t)]),
            ("tuff_rows_affected", ctypes.c_int64, [handle]),
            ("tuff_conn_error", ctypes.c_void_p, [handle]),
            ("tuff_interrupt", None, [handle]),
            ("tuff_disconnect", None, [handle]),
            ("tuff_close", ctypes.c_int, [handle]),
        ):
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
        self.db, self.conn = ctypes.c_void_p(), ctypes.c_void_p()
        if lib.tuff_open(dsn.encode(), ctypes.byref(self.db)) or lib.tuff_connect(self.db, ctypes.byref(self.conn)):
            raise RuntimeError("tuff does not open")

    def close(self):
        self.lib.tuff_disconnect(self.conn)
        self.lib.tuff_close(self.db)

    def run_for(self, sql, seconds):
        """As run, but stopped after a while: ValueError with 57014."""
        timer = threading.Timer(seconds, self.lib.tuff_interrupt, [self.conn])
        timer.start()
        try:
            return self.run(sql)[0]
        finally:
            timer.cancel()

    def run(self, sql):
        result = ctypes.c_void_p()
        status = self.lib.tuff_query(self.conn, sql.encode(), ctypes.byref(result))
        if status:
            raise ValueError(self.error())
        rows = []
        columns = self.lib.tuff_column_count(result)
        kinds = [self.lib.tuff_column_type_name(result, c).decode() for c in range(columns)]
        status = self.lib.tuff_next(result)
        while status == self.ROW:
            rows.append(tuple(self.value(result, c, kinds[c]) for c in range(columns)))
            status = self.lib.tuff_next(result)
        changed = self.lib.tuff_rows_affected(result)
        self.lib.tuff_result_close(result)
        if status not in (0, 2):
            raise ValueError(self.error())
        return rows, changed

    def value(self, result, column, kind):
        if self.lib.tuff_is_null(result, column):
            return None
        length = ctypes.c_size_t()
        text = ctypes.string_at(self.lib.tuff_get_text(result, column, ctypes.byref(length)), length.value).decode()
        if kind == "BOOLEAN":
            return int(text == "true")
        if kind in ("INTEGER", "TINYINT", "SMALLINT", "INT4", "UBIGINT"):
            return int(text)
        if kind.startswith(("FLOAT", "DECIMAL")):
            return float(text)
        return text

    def text(self, result, column, kind):
        """The value as Tuff writes it."""
        if self.lib.tuff_is_null(result, column):
            return None
        length = ctypes.c_size_t()
        return ctypes.string_at(self.lib.tuff_get_text(result, column, ctypes.byref(length)), length.value).decode()

    def error(self):
        error = ctypes.cast(self.lib.tuff_conn_error(self.conn), ctypes.POINTER(Error)).contents
        return "%s: %s" % (error.sqlstate.decode(), error.message.decode())


class Error(ctypes.Structure):
    """tuff_error, as far as it is read here."""

    _fields_ = [("status", ctypes.c_int), ("sqlstate", ctypes.c_char_p), ("message", ctypes.c_char_p)]


class Lite:
    def __init__(self):
        self.conn = sqlite3.connect(":memory:", isolation_level=None)
        self.conn.execute("PRAGMA case_sensitive_like = ON")
        self.steps = 0
        self.conn.set_progress_handler(self.too_long, 1000)

    def too_long(self):
        """Products of many tables are left out: non-zero interrupts."""
        self.steps += 1
        return self.steps > 2000

    def run(self, sql):
        self.steps = 0
        cursor = self.conn.execute(sql)
        rows = [tuple(row) for row in cursor.fetchall()]
        return rows, cursor.rowcount


class DuckResult(ctypes.Structure):
    """duckdb_result: what is in it is the library's."""

    _fields_ = [("words", ctypes.c_uint64 * 8)]


class Duck:
    """DuckDB through its C interface; every value comes as text."""

    def __init__(self, library):
        self.lib = lib = ctypes.CDLL(library)
        pointer = ctypes.POINTER(DuckResult)
        for name, result, arguments in (
            ("open", ctypes.c_int, [ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)]),
            ("connect", ctypes.c_int, [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]),
            ("query", ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, pointer]),
            ("row_count", ctypes.c_uint64, [pointer]),
            ("column_count", ctypes.c_uint64, [pointer]),
            ("value_varchar", ctypes.c_void_p, [pointer, ctypes.c_uint64, ctypes.c_uint64]),
            ("value_is_null", ctypes.c_bool, [pointer, ctypes.c_uint64, ctypes.c_uint64]),
            ("result_error", ctypes.c_char_p, [pointer]),
            ("destroy_result", None, [pointer]),
            ("free", None, [ctypes.c_void_p]),
            ("interrupt", None, [ctypes.c_void_p]),
            ("disconnect", None, [ctypes.POINTER(ctypes.c_void_p)]),
            ("close", None, [ctypes.POINTER(ctypes.c_void_p)]),
        ):
            function = getattr(lib, "duckdb_" + name)
            function.restype, function.argtypes = result, arguments
        self.db, self.conn = ctypes.c_void_p(), ctypes.c_void_p()
        if lib.duckdb_open(None, ctypes.byref(self.db)) or lib.duckdb_connect(self.db, ctypes.byref(self.conn)):
            raise RuntimeError("duckdb does not open")
        self.run("SET threads = 1")
        self.run("PRAGMA disable_optimizer")  # 1.5 rewrites date_trunc(...) <> constant so that NULL passes

    def close(self):
        self.lib.duckdb_disconnect(ctypes.byref(self.conn))
        self.lib.duckdb_close(ctypes.byref(self.db))

    def run(self, sql):
        result = DuckResult()
        timer = threading.Timer(5, self.lib.duckdb_interrupt, [self.conn])
        timer.start()
        failed = self.lib.duckdb_query(self.conn, sql.encode(), ctypes.byref(result))
        timer.cancel()
        try:
            if failed:
                raise ValueError((self.lib.duckdb_result_error(ctypes.byref(result)) or b"").decode())
            columns, rows = self.lib.duckdb_column_count(ctypes.byref(result)), self.lib.duckdb_row_count(ctypes.byref(result))
            return [tuple(self.value(result, c, r) for c in range(columns)) for r in range(rows)]
        finally:
            self.lib.duckdb_destroy_result(ctypes.byref(result))

    def value(self, result, column, row):
        if self.lib.duckdb_value_is_null(ctypes.byref(result), column, row):
            return None
        text = self.lib.duckdb_value_varchar(ctypes.byref(result), column, row)
        value = ctypes.string_at(text).decode()
        self.lib.duckdb_free(text)
        return value
