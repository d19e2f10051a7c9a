#include <cstddef>
#include <string>
#include <vector>
std::size_t Sample(const std::vector<std::string>& lines) {
  std::size_t total = 0;
  for (const std::string line : lines) total += line.size();
  return total;
}
