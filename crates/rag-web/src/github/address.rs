//! Where people see the files of a repository.

use url::Url;

use super::{GitHub, RepositoryRef};

/// The API of the public site, whose pages are at another host.
const PUBLIC_API_HOST: &str = "api.github.com";
const PUBLIC_HOST: &str = "github.com";

impl GitHub {
    /// The page of a file, on the reference that was asked for, so that it
    /// stays the same from commit to commit. On an Enterprise server the pages
    /// are at the API's host.
    pub fn address_of(&self, repository: &RepositoryRef, path: &str) -> Url {
        let mut url = self.api.base().clone();
        if url.host_str() == Some(PUBLIC_API_HOST) {
            url.set_host(Some(PUBLIC_HOST)).expect("it is a host");
        }
        let reference = repository.reference.as_deref().unwrap_or("HEAD");
        url.path_segments_mut()
            .expect("an API's base is an http address")
            .clear()
            .extend([&repository.owner, &repository.name, "blob"])
            .extend(reference.split('/'))
            .extend(path.split('/'));
        url
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{GitHubOptions, Guard};

    #[test]
    fn files_are_where_people_look() {
        for (api, repository, path, expected) in [
            (
                "https://api.github.com",
                "acme/docs",
                "a b/c#.md",
                "https://github.com/acme/docs/blob/HEAD/a%20b/c%23.md",
            ),
            (
                "https://git.example.org/api/v3",
                "acme/docs@release/2",
                "x.md",
                "https://git.example.org/acme/docs/blob/release/2/x.md",
            ),
        ] {
            let options = GitHubOptions {
                api: Url::parse(api).unwrap(),
                token: None,
                tarball_bytes_max: 1,
            };
            let github = GitHub::new(Arc::new(Guard::new(&[]).unwrap()), options);
            let repository = repository.parse().unwrap();
            assert_eq!(github.address_of(&repository, path).as_str(), expected);
        }
    }
}
