// read/parsed_blocks.h: the blocks of a log, some at a time, each with the parser of its file.
// Room: logs, private.  Threads: one caller; the blocks handed out may go to many threads.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/core/parallel.h"
#include "assay/logs/log_format.h"
#include "assay/logs/log_reader.h"

namespace assay::logs::internal {

struct ParsedBlock {
  LogBlock block;
  std::shared_ptr<const LineParser> parser;
};

// Block: derives from ParsedBlock and holds what is made of one; it is used again.
template <class Block>
class ParsedBlocks {
 public:
  // Of a file, from its first block.
  using MakeParser = std::function<LineParser(std::string_view first)>;

  // Two blocks for each thread even out blocks of unequal cost.
  ParsedBlocks(LogReader& reader, MakeParser make_parser)
      : reader_(reader),
        make_parser_(std::move(make_parser)),
        blocks_(core::Parallelism() > 1 ? 2 * core::Parallelism() : 1) {}

  // The next ones in their order, until the next call; none after the last.
  [[nodiscard]] std::span<Block> Next() {
    std::size_t filled = 0;
    while (filled < blocks_.size() && reader_.Next(blocks_[filled].block)) {
      Block& next = blocks_[filled++];
      if (parser_ == nullptr || next.block.file != file_) {
        file_ = next.block.file;
        parser_ = std::make_shared<const LineParser>(make_parser_(next.block.lines));
      }
      next.parser = parser_;
    }
    return std::span(blocks_).first(filled);
  }
  // Every block that was ever handed out, as it was left.
  [[nodiscard]] std::span<const Block> all() const { return blocks_; }

 private:
  LogReader& reader_;
  const MakeParser make_parser_;
  std::vector<Block> blocks_;
  std::shared_ptr<const LineParser> parser_;
  std::size_t file_ = 0;
};

}  // namespace assay::logs::internal
