// What one network says of the pictures of a run.
#ifndef PREFIQS_PIPELINE_PASS_H_
#define PREFIQS_PIPELINE_PASS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <prefiqs/assessor.h>
#include <prefiqs/job.h>

#include "base/helpers.h"
#include "input/source.h"
#include "pipeline/alignment_check.h"
#include "pipeline/assessor_impl.h"
#include "pipeline/crop_folder.h"
#include "pipeline/faces.h"
#include "report/row.h"
#include "report/row_writer.h"

namespace prefiqs::pipeline {

// The assessor of a network, its table, and whether the first faces look as if the network got what it wants. Several
// passes may share one look at each picture (picture_stream.h).
class Pass {
 public:
  // Compiles the network, opens the outputs and finds out which of `items` have no row there. Of the options all but
  // inputs, batch, limits, shards, on_skipped and on_progress are used. `like`: as for Assessor::Impl. Throws Error as
  // run_job does.
  Pass(const Network& network, const JobOptions& options, std::span<const input::Item> items,
       const Assessor::Impl* like = nullptr);

  const JobOptions& options() const { return options_; }
  const Assessor& assessor() const { return assessor_; }
  CropShape shape() const { return shape_; }  // Canonical() where faces are detected
  FaceOptions Faces() const;

  bool Wants(std::size_t item) const { return wanted_[item]; }
  std::int64_t to_do() const { return to_do_; }  // pictures
  // Until Finish(): pictures that had their rows before, and what those rows say.
  const JobSummary& summary() const { return summary_; }

  // What a thread has in hand: rows in their order, and crops that are still to be assessed.
  struct Hand {
    struct Pending {
      std::size_t row = 0;
      std::int64_t number = 0;
      FaceCandidate candidate;
    };
    std::vector<report::Row> rows;
    std::vector<Pending> pending;
    std::int64_t pictures = 0;
  };

  // Thread-safe, given hands of the threads' own. Take() adds a face of a picture that is wanted; Complete() assesses
  // the crops in hand once there are at least `enough` of them, with `helper` where there is one, and fills in all
  // rows. Whoever takes a picture's faces counts it in Hand::pictures.
  void Take(std::size_t item, const input::Item& picture, FaceCandidate candidate, Hand& hand);
  void Complete(std::size_t enough, Helper* helper, Hand& hand) const;
  // As many crops as are best assessed together.
  std::size_t enough() const;

  // Rows of a hand that is complete, in the order of the pictures; one call at a time.
  void Write(const Hand& hand);

  // Once, after the first pictures were written: whether they are what the run takes them for; where they are not,
  // embeddings have nothing to say about preprocessing. For the calling thread between its pictures, so that others go
  // on.
  void CheckFirstPictures();

  // After the last Write().
  JobSummary Finish();

 private:
  const JobOptions options_;
  const Assessor assessor_;
  const Assessor::Impl& impl_;
  const CropShape shape_;
  std::optional<CropFolder> crops_;
  std::unique_ptr<report::RowWriter> writer_;  // null: rows go to on_face alone
  std::vector<bool> wanted_;
  std::int64_t to_do_ = 0;
  JobSummary summary_;  // of Write()'s thread
  std::mutex first_crops_mutex_;
  std::size_t first_end_ = 0;                 // items before it are among the first that are wanted
  std::map<std::size_t, Image> first_crops_;  // by item: the order of threads must not show
  FirstCrops first_statuses_;                 // written by Write()'s thread until the check is due
  std::atomic<bool> check_due_{false};
  bool checked_ = false;  // of the calling thread
};

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_PASS_H_
