//! Whether a bridge says that it is ready.

use std::time::Duration;

use super::Bridge;

/// How long it may take to notice.
const PATIENCE: Duration = Duration::from_mins(1);

impl Bridge {
    /// Status and words of its readiness.
    pub async fn readiness(&self) -> (u16, String) {
        let url = format!("http://{}/readyz", self.app().unwrap().address());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until it is ready without any warning.
    pub async fn until_ready_alone(&self) {
        let ready = (200, "ready\n".to_owned());
        let became = tokio::time::timeout(PATIENCE, async {
            while self.readiness().await != ready {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(became.await.is_ok(), "{:?}", self.readiness().await);
    }

    /// Waits until it is ready, or until it says that it is not because of `trouble`.
    pub async fn becomes(&self, ready: bool, trouble: &str) {
        let mut last = String::new();
        let became = tokio::time::timeout(PATIENCE, async {
            loop {
                let (status, words) = self.readiness().await;
                if (status == 200) == ready && words.contains(trouble) {
                    return;
                }
                last = words;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(became.await.is_ok(), "ready: {}; {last}", !ready);
    }
}
