CREATE INDEX package_name ON package (name);
CREATE INDEX dependency_name ON dependency (name);
CREATE INDEX dependency_package ON dependency (package_id);
