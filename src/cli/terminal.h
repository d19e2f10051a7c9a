// What depends on whether a person is watching: colours and progress.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace assay::cli {

enum class ColorMode : std::uint8_t { kAuto, kAlways, kNever };

// Wraps text in ANSI colours, or leaves it as it is.
class Painter {
 public:
  // kAuto: colours when `file_descriptor` is a terminal and NO_COLOR (no-color.org) is not set.
  Painter(ColorMode mode, int file_descriptor);

  [[nodiscard]] std::string Green(std::string_view text) const { return Wrap("32", text); }
  [[nodiscard]] std::string Red(std::string_view text) const { return Wrap("31", text); }
  [[nodiscard]] std::string Yellow(std::string_view text) const { return Wrap("33", text); }
  [[nodiscard]] std::string Dim(std::string_view text) const { return Wrap("2", text); }
  [[nodiscard]] std::string Bold(std::string_view text) const { return Wrap("1", text); }
  [[nodiscard]] std::string Underlined(std::string_view text) const { return Wrap("4", text); }
  // Whether there are colours; where not, marks have to be written in another way.
  [[nodiscard]] bool on() const { return on_; }

 private:
  [[nodiscard]] std::string Wrap(std::string_view code, std::string_view text) const;
  bool on_;
};

// A progress bar on standard error. It appears only on a terminal and only after one second of
// work.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Update(std::string_view stage, std::uint64_t done, std::uint64_t total);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  std::string label_;
  SteadyTime start_;
  SteadyTime last_drawn_;
  bool terminal_;
  bool drawn_ = false;
};

// Width of standard output in columns; 100 where it is no terminal.
[[nodiscard]] std::size_t OutputColumns();

}  // namespace assay::cli
