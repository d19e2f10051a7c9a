#include "traces.h"

#include <fstream>
#include <string_view>
#include <unordered_map>

namespace assay::bench {
namespace {

class Numbering {
 public:
  explicit Numbering(Trace& trace) : trace_(trace) {}
  void Add(std::string_view key) {
    const auto number = static_cast<TraceKey>(numbers_.size());
    trace_.accesses.push_back(numbers_.try_emplace(std::string(key), number).first->second);
    trace_.distinct = numbers_.size();
  }

 private:
  Trace& trace_;
  std::unordered_map<std::string, TraceKey> numbers_;
};

using LineReader = void (*)(std::string_view line, Numbering& out);

void WholeLine(std::string_view line, Numbering& out) {
  out.Add(line);
}

// time,size,lbn
void LastField(std::string_view line, Numbering& out) {
  if (line.starts_with("time")) return;
  out.Add(line.substr(line.rfind(',') + 1));
}

// {"timestamp": ..., "hash_ids": [1, 2, 3]}: a request reads a block after another.
void HashIds(std::string_view line, Numbering& out) {
  const std::size_t open = line.find('[', line.find("\"hash_ids\""));
  line = line.substr(open + 1, line.find(']', open) - open - 1);
  while (!line.empty()) {
    const std::size_t comma = std::min(line.find(','), line.size());
    std::string_view id = line.substr(0, comma);
    id.remove_prefix(std::min(id.find_first_not_of(' '), id.size()));
    if (!id.empty()) out.Add(id);
    line.remove_prefix(std::min(comma + 1, line.size()));
  }
}

struct Source {
  std::string_view name;
  std::string_view path;
  LineReader read = &WholeLine;
};

constexpr Source kSources[] = {
    {"mooncake", "mooncake_conversation.jsonl", &HashIds},
    {"web07", "cache2k/web07.txt"},
    {"web12", "cache2k/web12.txt"},
    {"orm_busy", "cache2k/orm_busy_100k.txt"},
    {"corda_vault", "corda_vault.txt"},
    {"block_io", "libcachesim_block_io.csv", &LastField},
    {"adaptsize", "adaptsize_request.txt"},
    {"2_pools", "lirs/2_pools.txt"},
    {"backf", "lirs/backf.txt"},
    {"cpp", "lirs/cpp.txt"},
    {"cs", "lirs/cs.txt"},
    {"gli", "lirs/gli.txt"},
    {"loop", "lirs/loop.txt"},
    {"multi1", "lirs/multi1.txt"},
    {"multi2", "lirs/multi2.txt"},
    {"multi3", "lirs/multi3.txt"},
    {"ps", "lirs/ps.txt"},
    {"scan", "lirs/scan.txt"},
    {"sprite", "lirs/sprite.txt"},
    {"zigzag", "lirs/zigzag.txt"},
};

}  // namespace

std::vector<Trace> ReadTraces(const std::string& folder) {
  std::vector<Trace> traces;
  for (const Source& source : kSources) {
    std::ifstream stream(folder + "/" + std::string(source.path));
    Trace trace{.name = std::string(source.name), .accesses = {}, .distinct = 0};
    Numbering numbering(trace);
    for (std::string line; std::getline(stream, line);) {
      while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
      if (!line.empty() && line != "*") source.read(line, numbering);
    }
    if (!trace.accesses.empty()) traces.push_back(std::move(trace));
  }
  return traces;
}

}  // namespace assay::bench
