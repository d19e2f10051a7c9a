#include <string>
#include <utility>
void Take(std::string text);
auto Sample(std::string text) {
  Take(std::move(text));
  return text.size();
}
