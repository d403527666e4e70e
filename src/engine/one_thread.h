// One thread must really be one.
#ifndef PREFIQS_ENGINE_ONE_THREAD_H_
#define PREFIQS_ENGINE_ONE_THREAD_H_

namespace prefiqs::engine {

// While it lives, oneDNN (which runs on OpenMP) uses the calling thread alone, whatever the program around us set;
// other threads are not touched. Compiling and running must both be under it: the number of threads is built into
// primitives.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_ONE_THREAD_H_
