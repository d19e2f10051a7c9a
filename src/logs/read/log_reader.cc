#include "assay/logs/log_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace assay::logs {

LogReader::LogReader(std::vector<std::string> paths, const LogReaderOptions& options)
    : files_(options.files != nullptr ? options.files : &core::FileSystem::Real()),
      block_bytes_(std::clamp(options.block_bytes, kMinBlockBytes, kMaxBlockBytes)),
      paths_(std::move(paths)) {}

LogReader::LogReader(std::unique_ptr<ByteSource> source, std::string name,
                     const LogReaderOptions& options)
    : LogReader(std::vector<std::string>{std::move(name)}, options) {
  source_ = std::move(source);
  next_ = 1;
  at_begin_ = true;
}

LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

bool LogReader::OpenNext() {
  carry_.clear();
  skipping_ = false;
  at_begin_ = true;
  while (next_ < paths_.size()) {
    const std::string& path = paths_[next_++];
    auto opened = OpenSource(*files_, path);
    if (opened) {
      source_ = std::move(*opened);
      return true;
    }
    problems_.push_back({path, std::move(opened).error()});
  }
  return false;
}

// Reads until the block is full or the file ends, where source_ goes. Returns how much there is.
std::size_t LogReader::Fill(LogBlock& block, std::size_t have) {
  while (have < block_bytes_) {
    auto got = source_->Read(std::span(block.storage).subspan(have, block_bytes_ - have));
    if (got && *got > 0) {
      have += *got;
      bytes_ += *got;
      continue;
    }
    if (!got) problems_.push_back({paths_[next_ - 1], std::move(got).error()});
    source_.reset();
    break;
  }
  return have;
}

std::size_t LogReader::DropRestOfCutLine(LogBlock& block, std::size_t have) {
  char* const begin = block.storage.data();
  const void* const end = std::memchr(begin, '\n', have);
  if (end == nullptr) return 0;
  skipping_ = false;
  const auto drop = static_cast<std::size_t>(static_cast<const char*>(end) - begin) + 1;
  std::memmove(begin, begin + drop, have - drop);
  return have - drop;
}

bool LogReader::Next(LogBlock& block) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  block.storage.resize(block_bytes_);
  while (source_ != nullptr || OpenNext()) {
    block.file = next_ - 1;
    std::copy(carry_.begin(), carry_.end(), block.storage.begin());
    std::size_t have = carry_.size();
    carry_.clear();
    do {
      have = Fill(block, have);
      if (skipping_) have = DropRestOfCutLine(block, have);
    } while (source_ != nullptr && have < block_bytes_);
    std::string_view lines(block.storage.data(), have);
    if (std::exchange(at_begin_, false) && lines.starts_with(kByteOrderMark)) {
      lines.remove_prefix(kByteOrderMark.size());
    }
    if (source_ != nullptr) {
      const std::size_t last = lines.rfind('\n');
      if (last == std::string_view::npos) {
        skipping_ = true;
        ++cut_lines_;
      } else {
        carry_.assign(lines.begin() + static_cast<std::ptrdiff_t>(last) + 1, lines.end());
        lines = lines.substr(0, last + 1);
      }
    }
    block.lines = lines;
    if (!lines.empty()) return true;
  }
  return false;
}

}  // namespace assay::logs
