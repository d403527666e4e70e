// A file's hash, by all threads that have nothing else to do.
#ifndef PREFIQS_MODEL_SHARED_HASHING_H_
#define PREFIQS_MODEL_SHARED_HASHING_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/hash.h"
#include "model/byte_source.h"

namespace prefiqs::model {

// Reading takes several times as long as hashing, which has to go from the first byte to the last: threads read
// different parts and add them in turn.
class SharedHashing {
 public:
  // Both must outlive it. `hash` has all of `source` when every call of Help() has returned, one at least.
  SharedHashing(const ByteSource& source, ContentHash& hash) : source_(source), hash_(hash) {}

  // Takes part until nothing is left to be read; from any number of threads, at any time. Throws as ByteSource::Read
  // does; then the others return early.
  void Help();

 private:
  const ByteSource& source_;
  ContentHash& hash_;
  std::atomic<std::int64_t> next_{0};  // part to be read
  std::mutex mutex_;                   // of what follows, and of the hash
  std::condition_variable turn_;
  std::int64_t added_ = 0;  // parts
  bool failed_ = false;
};

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_SHARED_HASHING_H_
