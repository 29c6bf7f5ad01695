// Threads that read pictures, first come, first served.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "h26x/picture.h"

namespace attp {

class Workers {
  public:
    // Starts fewer threads if the system allows no more. Throws std::bad_alloc if it allows none.
    explicit Workers(int threads) {
        threads_.reserve(static_cast<size_t>(threads));
        try {
            for (int i = 0; i < threads; i++) threads_.emplace_back([this] { run(); });
        } catch (const std::exception&) {
            if (threads_.empty()) throw std::bad_alloc();
        }
    }
    ~Workers() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            stop_ = true;
            jobs_.clear();
        }
        changed_.notify_all();
        for (std::thread& t : threads_) t.join();
    }
    void submit(std::shared_ptr<Picture> picture) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            jobs_.push_back(std::move(picture));
        }
        changed_.notify_one();
    }

  private:
    void run() {
        for (;;) {
            std::shared_ptr<Picture> job;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                changed_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
                if (stop_) return;
                job = std::move(jobs_.front());
                jobs_.pop_front();
            }
            job->parse();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Picture>> jobs_;
    std::vector<std::thread> threads_;
    bool stop_ = false;
};

}  // namespace attp
