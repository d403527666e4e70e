// Passes that keep their crops.
#ifndef PREFIQS_PIPELINE_KEPT_CROPS_FOR_TEST_H_
#define PREFIQS_PIPELINE_KEPT_CROPS_FOR_TEST_H_

#include <map>
#include <string>
#include <vector>

#include "pipeline/passes_for_test.h"

namespace prefiqs::pipeline {

class Kept : public Passes {
 protected:
  Kept() {
    AddAll();
    all_ = {options_.passes[0], options_.passes[3], options_.passes[6]};  // two share their crops
    options_.passes = all_;
    expected_ = FilesOfARunForEach();
    options_.crops = folder_ / "work";
    options_.job.on_warning = [this](const std::string& text) { warnings_ += text + "\n"; };
    options_.on_plan = [this](const PassesPlan& plan) { plan_ = plan; };
  }

  std::string File(int side) const {
    return folder_ / ("work/crops-" + std::to_string(side) + "x" + std::to_string(side) + "-insightface.bin");
  }

  // Runs all passes anew, and expects them to write what they write without kept crops.
  PassesSummary Run(bool keep) {
    RemoveFiles();
    options_.passes = all_;
    options_.keep_crops = keep;
    warnings_.clear();
    const PassesSummary summary = run_passes(options_);
    EXPECT_EQ(Files(), expected_);
    return summary;
  }

  // Leaves the one pass, for tests of many runs. Its crops are of 112×112 pixels.
  void TakeOnePass() {
    all_ = {all_[1]};
    options_.passes = all_;
    expected_ = {{all_[0].output, expected_[all_[0].output]}, {all_[0].embeddings, expected_[all_[0].embeddings]}};
  }

  // Of these, nothing can be kept: what could not be read may be there the next time.
  static constexpr int kUndecodable = kPictures / 5;

  std::vector<NetworkPass> all_;
  std::map<std::string, std::string> expected_;
  std::string warnings_;
  PassesPlan plan_;
};

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_KEPT_CROPS_FOR_TEST_H_
