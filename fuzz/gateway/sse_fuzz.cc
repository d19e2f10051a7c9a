// Reads arbitrary bytes as an event stream, whole and in pieces that the input itself chooses: the
// events must be the same. What the assembler finishes must come back from its replay.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sse/chat_stream.h"
#include "sse/reader.h"

namespace {

// All events as one text; "!" at the end when the reader refused.
std::string EventsOf(std::string_view bytes, std::size_t seed) {
  assay::gateway::SseReader reader(1 << 12);
  std::string events;
  const auto keep = [&](const assay::gateway::SseEvent& event, std::size_t) {
    events.append(event.type)
        .append("|")
        .append(event.data)
        .append("|")
        .append(event.id)
        .append("\n");
    return true;
  };
  std::size_t state = seed;
  while (!bytes.empty()) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::size_t piece = seed == 0 ? bytes.size() : 1 + (state >> 33) % 9;
    if (!reader.Feed(bytes.substr(0, piece), keep)) return events + "!";
    bytes.remove_prefix(piece < bytes.size() ? piece : bytes.size());
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = EventsOf(bytes, 0);
  if (EventsOf(bytes, 1) != whole || EventsOf(bytes, size + 2) != whole) std::abort();

  assay::gateway::ChatStreamAssembler assembler;
  assembler.Feed(bytes);
  const auto answer = assembler.Finish();
  if (!answer) return 0;
  const auto stream = assay::gateway::ReplayAsStream(*answer, true);
  if (!stream) std::abort();
  assay::gateway::ChatStreamAssembler again;
  again.Feed(*stream);
  if (!again.Finish()) std::abort();
  return 0;
}
