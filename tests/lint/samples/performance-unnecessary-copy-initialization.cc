#include <cstddef>
#include <string>
const std::string& Name();
std::size_t Sample() {
  const std::string name = Name();
  return name.size();
}
