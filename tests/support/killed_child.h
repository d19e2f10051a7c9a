// A real process that is killed at a moment that nobody chose.
#pragma once
#include <array>
#include <csignal>
#include <cstdint>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace assay::testing {

// Runs work(pipe) in a child, which writes a number of 8 bytes to the pipe for each thing it has
// done and never returns (_exit is for what goes wrong). Here told(number) is called for each; once
// it is false, the child is killed with SIGKILL. What the child still said before it died is told
// too. Fails the test when the child ended by itself.
template <typename Work, typename Told>
void RunUntilKilled(const Work& work, const Told& told) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(pipe[0]);
    work(pipe[1]);
    ::_exit(9);
  }
  ::close(pipe[1]);
  std::uint64_t number = 0;
  const auto next = [&] { return ::read(pipe[0], &number, sizeof(number)) == sizeof(number); };
  while (next() && told(number)) {
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  while (next()) static_cast<void>(told(number));
  ::close(pipe[0]);
}

}  // namespace assay::testing
