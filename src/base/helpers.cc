#include "base/helpers.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace prefiqs {

Helpers::~Helpers() {
  if (!started_.empty() && process_ != ::getpid()) {
    // Nobody to join, and a thread object may not be dropped: it stays.
    (void)new std::vector<std::thread>(std::move(started_));
    (void)called_.release();
    (void)done_.release();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  called_->notify_all();
  for (std::thread& thread : started_) thread.join();
}

Helpers::Worker::Worker(Helpers& helpers)
    : helpers_(helpers), alone_(helpers.threads_ < 2 || (helpers.process_ != 0 && helpers.process_ != ::getpid())) {
  if (alone_) return;
  const std::lock_guard lock(helpers_.mutex_);
  ++helpers_.working_;
}

Helpers::Worker::~Worker() {
  if (alone_) return;
  const std::lock_guard lock(helpers_.mutex_);
  --helpers_.working_;
  if (helped_) --helpers_.helping_;
}

Helper* Helpers::Worker::FindHelper(std::int64_t to_come) {
  if (alone_) return nullptr;
  const std::lock_guard lock(helpers_.mutex_);
  if (!helped_) {
    if (helpers_.working_ + helpers_.helping_ + to_come >= helpers_.threads_) return nullptr;
    helped_ = true;
    ++helpers_.helping_;
    helpers_.StartThread();
  }
  return &helpers_.helper_;
}

void Helpers::StartThread() {
  if (std::ssize(started_) >= helping_) return;
  process_ = ::getpid();
  try {
    started_.emplace_back([this] { Loop(); });
  } catch (const std::system_error&) {
  }
}

void Helpers::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    called_->wait(lock, [this] { return over_ || !tasks_.empty(); });
    if (over_) return;
    Task& task = *tasks_.front();
    tasks_.pop_front();
    lock.unlock();
    std::exception_ptr error;
    try {
      (*task.work)();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    task.error = std::move(error);
    task.done = true;
    done_->notify_all();
  }
}

void Helper::Both(const std::function<void()>& first, const std::function<void()>& second) {
  Helpers::Task task{&second};
  {
    const std::lock_guard lock(helpers_.mutex_);
    helpers_.tasks_.push_back(&task);
  }
  helpers_.called_->notify_one();
  std::exception_ptr error;
  try {
    first();
  } catch (...) {
    error = std::current_exception();
  }
  {
    std::unique_lock lock(helpers_.mutex_);
    if (std::erase(helpers_.tasks_, &task) == 0) {
      helpers_.done_->wait(lock, [&] { return task.done; });
      if (!error) error = task.error;
      task.work = nullptr;
    }
  }
  if (error) std::rethrow_exception(error);
  if (task.work != nullptr) second();
}

}  // namespace prefiqs
