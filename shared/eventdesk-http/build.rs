//! Packs the files of Swagger UI that the documentation page loads; the whole of it would be three times as much in every
//! binary.

use std::{
    env,
    error::Error,
    fs::File,
    io::{self, Cursor},
    path::PathBuf,
};

use flate2::{Compression, write::GzEncoder};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::{ZipArchive, result::ZipError};

const FILES: [&str; 5] =
    ["swagger-ui.css", "swagger-ui-bundle.js", "oauth2-redirect.js", "favicon-16x16.png", "favicon-32x32.png"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names a folder")?);
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let paths = archive.file_names().map(|path| Ok(path?.into_owned())).collect::<Result<Vec<String>, ZipError>>()?;
    for name in FILES {
        // Everything lies in a folder that is called after the release.
        let file = format!("/dist/{name}");
        let path = paths.iter().find(|path| path.ends_with(&file)).ok_or_else(|| format!("no {file} in Swagger UI"))?;
        let mut packed = GzEncoder::new(File::create(folder.join(format!("{name}.gz")))?, Compression::best());
        io::copy(&mut archive.by_name(path)?, &mut packed)?;
        packed.finish()?;
    }
    Ok(())
}
