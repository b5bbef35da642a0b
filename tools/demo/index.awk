# Turns `apt-cache dumpavail` into two CSV files: packages and dependency edges.
# usage: awk -v packages=FILE -v edges=FILE -f index.awk
function quoted(text) { gsub(/"/, "\"\"", text); return "\"" text "\"" }

# "libc6 (>= 2.34), libx | liby:any" -> one edge per alternative
function add_edges(kind, list,    i, j, n, m, groups, names) {
    n = split(list, groups, /, */)
    for (i = 1; i <= n; i++) {
        m = split(groups[i], names, / *\| */)
        for (j = 1; j <= m; j++) {
            sub(/ .*/, "", names[j]); sub(/\(.*/, "", names[j]); sub(/:.*/, "", names[j])
            if (names[j] != "")
                print id "," quoted(kind) "," quoted(names[j]) "," i "," j > edges
        }
    }
}

function flush_package() {
    if (name == "") return
    id++
    print id "," quoted(name) "," quoted(version) "," quoted(section) "," quoted(priority) "," \
        quoted(maintainer) "," (installed == "" ? 0 : installed) "," (size == "" ? 0 : size) "," \
        quoted(summary) > packages
    add_edges("depends", depends)
    add_edges("recommends", recommends)
    add_edges("suggests", suggests)
    name = version = section = priority = maintainer = installed = size = summary = ""
    depends = recommends = suggests = ""
}

BEGIN { print "id,name,version,section,priority,maintainer,installed_kib,size,summary" > packages
        print "package_id,kind,name,position,alternative" > edges }
/^$/ { flush_package() }
/^Package: / { name = substr($0, 10) }
/^Version: / { version = substr($0, 10) }
/^Section: / { section = substr($0, 10) }
/^Priority: / { priority = substr($0, 11) }
/^Maintainer: / { maintainer = substr($0, 13) }
/^Installed-Size: / { installed = $2 }
/^Size: / { size = $2 }
/^Description: / { summary = substr($0, 14) }
/^Description-en: / { summary = substr($0, 17) }
/^Depends: / { depends = substr($0, 10) }
/^Recommends: / { recommends = substr($0, 13) }
/^Suggests: / { suggests = substr($0, 11) }
END { flush_package() }
