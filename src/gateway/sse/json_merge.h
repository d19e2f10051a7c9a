// sse/json_merge.h: puts the pieces of a streamed JSON object together.
// Room: gateway (private).  Threads: pure functions.
#pragma once
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace assay::gateway {

// Merges one field of a delta into `target`: text is joined, except for names that stand for a
// whole (id, type, role, name: the first that is not empty stays); objects are merged field by
// field, lists whose elements carry an `index` by it, other lists are joined; everything else is
// replaced, and null changes nothing that is there.
void MergeField(boost::json::object& target, std::string_view name,
                const boost::json::value& value);

// Takes the `index` out of the objects of the list `name`, where there is one: finished answers
// have none.
void RemoveIndexes(boost::json::object& target, std::string_view name);
// Puts it in: streamed answers have one.
void AddIndexes(boost::json::object& target, std::string_view name);

}  // namespace assay::gateway
