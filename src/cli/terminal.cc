#include "terminal.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace assay::cli {
namespace {

constexpr auto kQuietTime = std::chrono::seconds(1);  // work shorter than this shows no bar
constexpr auto kRedrawInterval = std::chrono::milliseconds(100);
constexpr std::size_t kBarColumns = 30;
constexpr std::size_t kDefaultColumns = 100;

}  // namespace

Painter::Painter(ColorMode mode, int file_descriptor)
    : on_(mode == ColorMode::kAlways || (mode == ColorMode::kAuto && isatty(file_descriptor) != 0 &&
                                         std::getenv("NO_COLOR") == nullptr)) {}

std::string Painter::Wrap(std::string_view code, std::string_view text) const {
  return on_ ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
}

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)),
      start_(std::chrono::steady_clock::now()),
      last_drawn_(start_),
      terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::Update(std::string_view stage, std::uint64_t done, std::uint64_t total) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now - start_ < kQuietTime || now - last_drawn_ < kRedrawInterval) return;
  last_drawn_ = now;
  drawn_ = true;
  const double share =
      total == 0 ? 0.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarColumns));
  fmt::print(stderr, "\r\033[K{} [{:#<{}}{:.<{}}] {:3.0f}% {}", label_, "", filled, "",
             kBarColumns - filled, share * 100, stage);
  std::fflush(stderr);
}

std::size_t OutputColumns() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 ||
      size.ws_col < 40) {
    return kDefaultColumns;
  }
  return size.ws_col;
}

}  // namespace assay::cli
