"""Builds FerretDB, once, into the cache of services.

FerretDB 1.24 finds documents and writes them in two steps without a lock: of two updates that ask for the same
revision both may be told that they matched, which MongoDB never does. So the copy that is built lets one writing
command run at a time. It also looks up documents by id where it else would read the whole collection: its queries miss
its own index, and it tries only where the filter is a single id. Nothing else of it is changed.
"""

import hashlib
import json
import os
import shutil
import stat

from golang import Failed, built_once, run_go

MODULE = "github.com/FerretDB/FerretDB"
VERSION = "1.24.2"
# The oldest Go that builds it.
GO = (1, 24)

# What is changed in the copy of FerretDB: (file, old text, new text). An empty old text makes the file.
CHANGES = [
    # Written by its release process; without it the program refuses to start.
    ("build/version/version.txt", "", f"v{VERSION}\n"),
    (
        "internal/handler/one_at_a_time.go",
        "",
        """package handler

import (
	"context"
	"sync"

	"github.com/FerretDB/wire"
)

// oneAtATime lets one writing command run at a time: a document is found and written in two steps.
func (h *Handler) oneAtATime() {
	var writing sync.Mutex

	for _, name := range []string{"delete", "findAndModify", "findandmodify", "insert", "update"} {
		command := h.commands[name]
		run := command.Handler

		command.Handler = func(ctx context.Context, msg *wire.OpMsg) (*wire.OpMsg, error) {
			writing.Lock()
			defer writing.Unlock()

			return run(ctx, msg)
		}
	}
}
""",
    ),
    (
        "internal/handler/commands.go",
        "\tfor name, cmd := range h.commands {\n",
        "\th.oneAtATime()\n\n\tfor name, cmd := range h.commands {\n",
    ),
    (
        "internal/backends/sqlite/by_id.go",
        "",
        """package sqlite

import (
	"fmt"
	"strings"

	"github.com/FerretDB/FerretDB/internal/backends/sqlite/metadata"
	"github.com/FerretDB/FerretDB/internal/handler/sjson"
	"github.com/FerretDB/FerretDB/internal/types"
	"github.com/FerretDB/FerretDB/internal/util/must"
)

// whereID returns the clause for the ids that a filter asks for, if it does, whatever else it asks for:
// the handler filters again what the query returns.
func whereID(filter *types.Document) (string, []any) {
	if filter.Len() == 0 {
		return "", nil
	}

	var ids []any

	switch v := value(filter, "_id").(type) {
	case string, types.ObjectID:
		ids = append(ids, v)
	case *types.Document:
		if in, ok := value(v, "$in").(*types.Array); ok && v.Len() == 1 && in.Len() <= 1000 {
			for i := range in.Len() {
				id, ok := must.NotFail(in.Get(i)).(string)
				if !ok {
					return "", nil
				}

				ids = append(ids, id)
			}
		}
	}

	if len(ids) == 0 {
		return "", nil
	}

	for i, id := range ids {
		ids[i] = string(must.NotFail(sjson.MarshalSingleValue(id)))
	}

	marks := strings.TrimSuffix(strings.Repeat("?, ", len(ids)), ", ")

	return fmt.Sprintf(` WHERE %s IN (%s)`, metadata.IDColumn, marks), ids
}

// value returns the value of a field, or null.
func value(document *types.Document, name string) any {
	if v, _ := document.Get(name); v != nil {
		return v
	}

	return types.Null
}
""",
    ),
    (
        "internal/backends/sqlite/collection.go",
        """	q := prepareSelectClause(meta.TableName, params.Comment, meta.Capped(), params.OnlyRecordIDs)

	var whereClause string
	var args []any

	// that logic should exist in one place
	// TODO https://github.com/FerretDB/FerretDB/issues/3235
	if params.Filter.Len() == 1 {
		v, _ := params.Filter.Get("_id")
		switch v.(type) {
		case string, types.ObjectID:
			whereClause = fmt.Sprintf(` WHERE %s = ?`, metadata.IDColumn)
			args = []any{string(must.NotFail(sjson.MarshalSingleValue(v)))}
		}
	}

	q += whereClause
""",
        """	q := prepareSelectClause(meta.TableName, params.Comment, meta.Capped(), params.OnlyRecordIDs)

	whereClause, args := whereID(params.Filter)
	q += whereClause
""",
    ),
    # The very expression of its own index over ids, which SQLite does not use for another.
    ("internal/backends/sqlite/metadata/metadata.go", "\"->'$._id'\"", "`->\"_id\"`"),
]


def built():
    """The path of FerretDB's program, which is built if it was not yet."""
    recipe = hashlib.sha256(json.dumps([MODULE, VERSION, CHANGES]).encode()).hexdigest()[:12]
    return built_once("FerretDB", f"ferretdb-{VERSION}", f"ferretdb-{recipe}", GO, build)


def build(work, go):
    module = json.loads(run_go(go, work, "mod", "download", "-json", f"{MODULE}@v{VERSION}", folder=work))["Dir"]
    source = work / "source"
    shutil.copytree(module, source)
    # The module cache is read-only, and so is its copy.
    for folder, _, files in os.walk(source):
        for path in [folder, *(os.path.join(folder, name) for name in files)]:
            os.chmod(path, os.stat(path).st_mode | stat.S_IWUSR)
    for name, old, new in CHANGES:
        path = source / name
        if old:
            text = path.read_text()
            if text.count(old) != 1:
                raise Failed(f"{name} of FerretDB {VERSION} is not as it was")
            new = text.replace(old, new)
        path.write_text(new)
    run_go(go, work, "build", "-p", "1", "-trimpath", "-buildvcs=false", "-tags=ferretdb_no_postgresql",
           "-o", str(work / "ferretdb"), "./cmd/ferretdb", folder=source)  # fmt: skip
    return work / "ferretdb"
