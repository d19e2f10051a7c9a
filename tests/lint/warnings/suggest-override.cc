struct Base {
  virtual ~Base() = default;
  virtual void Run();
};
struct Sample : Base {
  virtual void Run();
};
